"""What any container init should do, as cases that run on whichever init they are given."""
