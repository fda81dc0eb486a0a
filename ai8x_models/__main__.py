"""`python -m ai8x_models` is `ai8x`: for `torchrun`, which starts modules."""

from ai8x_models.commands.start import main

main()
