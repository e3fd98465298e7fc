"""The sub-commands of `recloser`, one module each; they parse, call one function and print."""
