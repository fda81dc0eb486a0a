"""`python -m max78000` is `max78000`, where scripts of packages are not on the path."""

from max78000.commands.start import main

main()
