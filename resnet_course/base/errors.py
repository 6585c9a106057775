"""The one exception that says "you can fix this": its message always names the next step."""


class CourseError(Exception):
    """Something outside the code is not as it should be: a file, a name, a setting, the network.

    The message says what is wrong and what to do. The command line prints it without a traceback
    and exits with status 2.
    """

    def __str__(self) -> str:
        from resnet_course.base.language import translated  # which has errors of this kind

        said = super().__str__()
        try:
            return translated(said)
        except CourseError:  # there is no such language
            return said
