"""What compiler and machine share: the register program, and the files that go with one."""
