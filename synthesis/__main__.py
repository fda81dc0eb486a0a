"""`python -m synthesis` is `synthesize`, where scripts of packages are not on the path."""

from synthesis.commands.start import main

main()
