"""`max78000 new`: an application around a network, as a folder to build and to edit."""
