"""nbgrader's own autograding is refused here: formgrader offers it as a button, and it has no sandbox."""

from typing import Any, NoReturn

from nbconvert.preprocessors import Preprocessor
from traitlets import Bool


class RefuseAutograde(Preprocessor):
    """Stands in front of the step of nbgrader that would run a learner's cells (see `build.CONFIGURATION`)."""

    enabled = Bool(True).tag(config=True)

    def preprocess(self, notebook: Any, resources: Any) -> NoReturn:
        """Stop.

        Raises:
            RuntimeError: always, with what to do instead.
        """
        raise RuntimeError(
            "nbgrader would run this hand-in without a sandbox. Use `python -m resnet_course.grading grade` instead; "
            "nothing of the hand-in was run, and no mark was changed."
        )
