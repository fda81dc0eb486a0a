"""Rules that need no check of a graph: what earlier stages refuse, and what is seen to otherwise.

The manual lists them beside the rules that are checks, worded as their docstrings are. Nothing is
checked here.
"""

from collections.abc import Mapping
from types import MappingProxyType

from max78000.errors import CapacityError, InputError, ToolError, UnsupportedError

# What readers, the first stages and the command line refuse, or warn of (None).
# fmt: off
EARLY: Mapping[str, tuple[type[ToolError] | None, str]] = MappingProxyType({
    "G1":  (InputError, "The description is a YAML file: one mapping, no key twice."),
    "G2":  (InputError, "`arch`, `dataset` and `layers` are given; `layers` is a list."),
    "G3":  (InputError, "Only keys of the language are used: a typing error would change much."),
    "G4":  (InputError, "A key is spelled in one way: `op`, `operation`, `operator` and "
                        "`convolution` are the same key."),
    "G5":  (CapacityError, "There are at most {chip.n_layers} layers: there are {chip.n_layers} "
                        "sets of layer registers."),
    "G6":  (InputError, "Every layer has a sequence number of its own."),
    "G7":  (InputError, "Every layer has a name of its own, in any case; not `input`, not `stop`."),
    "G8":  (InputError, "Names and numbers refer to layers of the description; weights come from, "
                        "and go to, layers that have some."),
    "G9":  (InputError, "A layer reads earlier layers: layers run in order."),
    "G10": (UnsupportedError, "`next_sequence` is the following layer, or `stop`: this chip has no "
                              "links between layers."),
    "G11": (InputError, "The checkpoint has weights for every layer that needs them; they are "
                        "paired by position, as stored."),
    "G12": (InputError, "The checkpoint was made for the `arch` of the description."),
    "G13": (InputError, "The operands of an element-wise layer have equally many channels. Tensors "
                        "that are joined along the channels may differ."),
    "G14": (InputError, "A layer reads as many pixels as its producers have; `in_dim` says how "
                        "they are put together."),
    "G16": (InputError, "Conv1d reads one-dimensional data; `in_dim` makes a line of an image. "
                        "The other way round is G16a."),
    "G18": (UnsupportedError, "Keys for features that only the MAX78002 has are not used."),
    "G20": (InputError, "A pass-through layer with `buffer_shift` reads the rolling buffer and "
                        "nothing else; a layer with `buffer_insert` makes as many 8-bit pixels as "
                        "it inserts; offsets and processors, if given, are those of the buffer."),
    "G21": (InputError, "A network has one rolling buffer; its values have 8 bits."),
    "G22": (InputError, "Values are of the right kind and in range."),
    "G25": (InputError, "The checkpoint is a PyTorch file whose `state_dict` holds integer "
                        "weights, batch normalization folded."),
    "G26": (InputError, "The steps of `finish` read results that are unloaded, or steps before "
                        "them, of shapes that go with them; every step is read or is a result."),
    "P1":  (UnsupportedError, "Joined tensors whose `processors` are left out can be placed: above "
                              "{chip.n_processors} channels they are equal parts."),
    "D3":  (InputError, "Something is left after pooling and convolution."),
    "C9":  (InputError, "Kernel sizes are the same in description and checkpoint."),
    "C13": (InputError, "A layer has a bias for every output channel, or none."),
    "C21": (InputError, "`kernel_size` is not given for linear layers: it is 1x1."),
    "C24": (InputError, "`output_shift` goes with a convolution: nothing else has a shifter."),
    "L10": (InputError, "A layer pools by maximum or by average: there is one pool unit."),
    "L11": (UnsupportedError, "`--avg-pool-rounding` goes with averages of images: one bit of the "
                        "chip rounds all averages, the vendor's known answers cut those of a "
                        "line all the same."),
    "E1":  (InputError, "`operands`, 2 to {chip.max_operands}, goes with an element-wise "
                        "operation."),
    "O1":  (UnsupportedError, "Options for modes that only the MAX78002 has are refused."),
    "O2":  (UnsupportedError, "`--fast-fifo` goes with `--riscv`: only the RISC-V core reaches it. "
                              "That core needs its cache; deep sleep is not written."),
    "O3":  (InputError, "`--synthesize-input` makes up FIFO words of up to "
                        "{chip.processors_per_instance:word} channels: it goes with `--fifo` "
                        "and HWC."),
    "O4":  (UnsupportedError, "`--softmax` is for the last layer alone. Of 8-bit results it is "
                              "coarse, with a warning."),
    "O5":  (None, "`--timer` is ignored with `--energy`, which times the inference itself."),
    "O6":  (InputError, "An existing project is replaced only with `--overwrite`, and one of "
                        "several networks only by the same networks."),
    "O7":  (None, "`--mlator` is ignored where the byte gatherer cannot read the result: 32 bits, "
                  "more than {chip.n_processors} channels, pixels that are no multiple of 4."),
    "O10": (None, "`--fixed-input` is ignored with a FIFO: the pattern is written to memory, the "
                  "FIFOs get the sample."),
    "O11": (None, "With `--no-scale-output` outputs are not multiplied by their final scales, nor "
                  "is an entry of `unload` whose channels have several."),
    "O12": (None, "What stands behind the layers (`finish`) is left to the application where its "
                  "results, working memory and the unload buffer do not fit the core's RAM."),
    "O9":  (CapacityError, "Weights, biases and code fit the flash. If only the sample and the "
                              "known answer do not, that is a warning."),
})
# fmt: on

# What another rule sees to, what cannot be written down in the first place, and what only users
# can know.
_NOTES = """
G15: Refused as G14: with `in_dim` as without, a layer reads all pixels of its producers.
G19: Nothing has to be given: a layer that reads the rolling buffer gets its offsets, its \
processors and its size from the buffer. Values that contradict it are refused as G20.
P13: Cannot happen: every channel of the input is stored in the lane of its own processor.
P14: Refused as G18: the only number of groups is 1.
D10: Follows from P4: {chip.max_channels} channels are {chip.max_passes} passes.
D14: Refused as D5. The ways out are those of D5: fold the picture, stream it through the FIFOs, \
or load it as CHW, which takes a quarter of the room.
C8: Refused as G18: convolutions have one group. A depthwise layer is a full convolution whose \
other weights are 0.
C16: Follows from C14: the biases of a layer lie in one quadrant, which has \
{chip.bias_bytes_per_quadrant} bytes.
C19: Cannot be written: `pad` is one number for all four sides.
C20: Follows from P4 and F2: {chip.max_channels} inputs and outputs, or {chip.max_flat_inputs:,} \
inputs when flattened.
L3: Cannot be written: there is no key for padding of pools, and `pool_dilation` is refused as G18.
L5: Refused as G18: the only `pool_dilation` is 1, with or without pooling.
L7: Refused as F4.
L9: Give `--avg-pool-rounding` if, and only if, the network was trained with rounding averages: \
neither description nor checkpoint says it. Without the option averages are cut toward zero.
E2: Refused as G22: the operations are add, sub, or, xor.
E8: Element-wise results are clamped to 8 bits before a convolution in the same layer reads them. \
The interpreter, the simulated accelerator and the training layers all do so.
F7: Refused as P2, or as G24 in the first layer: the weights then have another number of inputs \
than channels times pixels. A sample of another size is the usual cause.
S4: Cannot happen: layers run in the order of their numbers.
O8: `--ignore-hw-limits` changes nothing; limits are ignored one by one: `--allow RULE`.
"""
NOTES: Mapping[str, str] = MappingProxyType(
    dict(line.split(": ", 1) for line in _NOTES.strip().splitlines())
)
