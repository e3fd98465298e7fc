"""Symptoms → ranked causes: what can be said of a failure from its texts alone.

The room knows no account: it reads values, and whether what a text suggests is true of the account is asked by
`recloser.healing`. It imports nothing but values, so that `recloser diagnose --evidence` starts at once.
"""

from recloser.diagnosis.novelty import fingerprint, fingerprint_of, template, templates, unusual
from recloser.diagnosis.symptoms import Symptoms, symptoms_of

__all__ = ["Symptoms", "fingerprint", "fingerprint_of", "symptoms_of", "template", "templates", "unusual"]
