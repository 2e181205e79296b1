"""The commands: arguments in, words on a screen out; everything else is done by other rooms."""
