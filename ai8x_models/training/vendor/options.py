"""Every option of the vendor's trainer, `train.py`: done here, taken because harmless, or refused.

One table. The command line takes harmless and refused options from it, `docs/train-options.md` is
made of it, and what is done is declared, with its help, in `commands/train_vendor.py`.

Source: [trainer] the arguments of its command line, of August 2024, and what earlier versions had.
"""

from max78000.command.other_tools import Fate, Row, read_table, table_of

HERE, HARMLESS, REFUSED = Fate.HERE, Fate.HARMLESS, Fate.REFUSED
SPEED = "says how fast, not what is learned"
SEARCH = "its super-networks are not trained here; use ai8x search, which trains whole ones"
FACES = "trains a teacher of faces with a loss of its own; train one here, and give --kd-resume"
PRUNE = "weights are not pruned: the chip reads zeros as slowly as others; leave it out"
SHARES = "all samples are used; make the data smaller"
OLD_QAT = "is of a version before policies; write a file with start_epoch and weight_bits"
EARLY = "the chip has no early exits; leave it out"

# fmt: off
_TABLE: tuple[Row, ...] = (
    # -- network and data
    ("--device=", HERE, "only MAX78000, by any of its names; that is the default"),
    ("-a|--arch|--model=", HERE, "of the `models` lists in --models-dir, of `ai8x list`, "
     "or FILE.py:NAME"),
    ("--dataset=", HERE, "of the `datasets` lists in --datasets-dir, or one that is read here"),
    ("--data=", HERE, "folder of the data; default: data"),
    ("--use-bias", HERE, "`bias` of the model's function"),
    ("-f|--out-fold-ratio=", HARMLESS, "folded masks are known by their channels"),
    ("--avg-pool-rounding", REFUSED, "averages are trained as the chip makes them; leave it out"),
    ("--truncate-testset", REFUSED, "the test needs its samples; --save-sample writes one"),
    ("--effective-train-size|--etrs=1,1.0 --effective-valid-size|--evs=1,1.0 "
     "--effective-test-size|--etes=1,1.0", REFUSED, SHARES),
    ("--validation-split|--valid-size|--vs=", HERE,
     "share of the training samples; 0: the test's are taken; default: 0.1"),
    ("--regression", HERE, "numbers are learned, not classes"),
    ("--enable-obj-detection|--obj-detection", HERE, "boxes are learned"),
    ("--obj-detection-params=", HERE, "file with what the loss of boxes needs"),

    # -- training
    ("--epochs=", HERE, "default: 90"),
    ("-b|--batch-size=", HERE, "default: 256"),
    ("--optimizer=", HERE, "SGD or Adam, in any case of letters; default: SGD"),
    ("--lr|--learning-rate=", HERE, "default: 0.1"),
    ("--momentum=", HERE, "of SGD; default: 0.9"),
    ("--weight-decay|--wd=", HERE, "of weights, not of biases and norms; default: 0.0001"),
    ("--compress=", HERE, "schedule of the learning rate; what prunes is refused"),
    ("--qat-policy=", HERE, "`None`: no QAT; default: policies/qat_policy.yaml or, without it, "
     "what the vendor's has: 8 bits from epoch 30"),
    ("--deterministic|--det", HERE, "the same bits again, also with other numbers of cores"),
    ("--seed=", HERE, "default: 1"),
    ("--cpu", HERE, "else on a GPU if there is one"),
    ("--gpus=", HARMLESS, SPEED),
    ("-j|--workers= --compiler-mode= --compiler-backend=", HARMLESS, SPEED),
    ("--kd-teacher=", HERE, "the checkpoint of --kd-resume knows its network"),
    ("--kd-resume=", HERE, "the teacher: a checkpoint that was trained here"),
    ("--kd-temperature|--kd-temp=", HERE, "default: 1"),
    ("--kd-distill-wt|--kd-dw= --kd-student-wt|--kd-sw=", HERE,
     "their ratio counts, their sum does not; default: 0.5 each"),
    ("--kd-teacher-wt|--kd-tw=0,0.0", REFUSED, "the teacher is not trained along; leave it out"),
    ("--kd-start-epoch=0", REFUSED, "the teacher is asked from the start; leave it out"),
    ("--kd-pretrained --pretrained", REFUSED,
     "nothing is downloaded; name a checkpoint: --kd-resume, --exp-load-weights-from"),
    ("--kd-relationbased", REFUSED,
     "distances between samples are not learned; use --kd-distill-wt without it"),
    ("--nas --nas-policy= --nas-kd-resume-from= --nas-stage-transition-list=", REFUSED, SEARCH),
    ("--dr= --scaf-lr= --scaf-scale= --scaf-margin= --backbone-checkpoint=", REFUSED, FACES),
    ("--qat --qat-num-bits= --start-qat-epoch=", REFUSED, OLD_QAT),
    ("--masks-sparsity", HARMLESS, "nothing is pruned"),
    ("--sense= --thinnify --sparsity-perf", REFUSED, PRUNE),
    ("--extras=", REFUSED, "nothing reads it; leave it out"),
    ("--earlyexit_lossweights= --earlyexit_thresholds=", REFUSED, EARLY),

    # -- checkpoints
    ("--resume-from=", HERE, "checkpoint of a run that was interrupted here; it goes on there"),
    ("--exp-load-weights-from=", HERE, "start from these weights, or evaluate them"),
    ("--reset-optimizer", HERE, "with --resume-from: its weights, and a new run"),
    ("--load-serialized", HARMLESS, "names of wrappers are taken off anyway"),
    ("-n|--name=", HERE, "folder NAME___DATE-TIME, files NAME_best.pth.tar and so on"),
    ("-o|--out-dir=", HERE, "default: logs"),
    ("--copy-output-folder=", HERE, "the run's folder is copied there in the end"),
    ("--num-best-scores=", HARMLESS, "the best one is kept; log.csv has all"),

    # -- what is shown
    ("-p|--print-freq=", HARMLESS, "a bar shows how far an epoch is"),
    ("--confusion", HERE, "the matrix of the test samples"),
    ("--param-hist", HERE, "histograms of the weights, for TensorBoard, after every epoch"),
    ("--pr-curves", HERE, "precision against recall of the test samples, for TensorBoard"),
    ("--embedding", HERE, "answers to the test samples, for TensorBoard's projector"),
    ("--enable-tensorboard|--tensorboard --no-tensorboard", HARMLESS, "it is always written"),
    ("--show-train-accuracy=", HARMLESS, "the loss of training samples is in log.csv"),
    ("--kernel-stats", HARMLESS, "--param-hist has them"),
    ("--activation-stats|--act-stats=", REFUSED,
     "measures no activations; ai8x dump writes what every layer answers"),
    ("--shap=0", REFUSED, "explains no pictures; leave it out"),
    ("--save-csv=", REFUSED, "writes no CSV of data; use --save-sample"),

    # -- what is done instead of training
    ("-e|--evaluate", HERE, "on the test samples"),
    ("-8|--8-bit-mode", HERE, "with --evaluate: the checkpoint has to hold integers, which are "
     "computed with as on the chip"),
    ("--save-sample=", HERE, "sample_DATASET.npy from the test samples, for `synthesize`"),
    ("--slice-sample", HERE, "of that sample, the first three channels"),
    ("--summary=", HERE, "onnx, onnx_simplified and model; for others see `ai8x describe`"),
    ("--summary-filename=", HERE, "default: model"),
    ("--yaml-template=", HERE, "the whole description, not a template"),
    ("--sense-range=", HARMLESS, "of --sense, which is refused"),
)
# fmt: on

PAGE_HEAD = """\
# Options of the vendor's trainer

`ai8x train` takes the command lines of the vendor's `train.py`: it knows them by `--dataset`.
*Same*: it does the same here. *Taken, no effect*: scripts that give it keep working. *Refused*: the
result would not be what was asked for; the exit status is 4 and the message gives the reason.
`ai8x train --options` prints this page, `ai8x train --dataset --help` what is done, with defaults.
A worked example, and where results lie: [Training](coming-from-ai8x.md#training).

Of our own are `--models-dir`, `--datasets-dir` (default: `models` and `datasets` of the current
folder, as in a checkout of the vendor's trainer).
"""
OPTIONS = read_table(_TABLE)


def options_page() -> str:
    """All options as Markdown."""
    return f"{PAGE_HEAD}\n{table_of(OPTIONS)}"
