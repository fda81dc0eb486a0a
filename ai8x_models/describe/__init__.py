"""From a network in PyTorch or ONNX to the description that the compiler reads.

A model runs once on an example and is written down as a graph (`record`); operations of plain
PyTorch become the layers of `ai8x_models.layers` (`convert`), and what those do, layer by layer, is
the description (`stages`, `description`). ONNX files are read into models (`onnx_reader`) and
written from graphs (`onnx_writer`). Processors, memory and limits of the chip as a whole are the
compiler's to judge.
"""
