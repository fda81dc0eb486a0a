"""What the processor does with the results of the accelerator's last layers."""
