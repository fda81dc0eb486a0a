"""The training side: layers, models, distillation, quantizer."""
