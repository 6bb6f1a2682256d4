"""Plain training on the given labels as they are."""

from ieg_fsr.methods.spec import BuildContext, MethodSpec

SPECS = (MethodSpec(name="supervised", label="supervised", summary="cross-entropy", build=BuildContext.supervised),)
