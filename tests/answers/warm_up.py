"""Answers to `warm_up`: images normalised by channel."""

import textwrap

NAME = "normalise"

RIGHT_BODIES = {
    "view": "return (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)",
    "four dimensions": "return (images - mean.reshape(1, -1, 1, 1)) / std.reshape(1, -1, 1, 1)",
    "None": "return (images - mean[:, None, None]) / std[:, None, None]",
    "unsqueeze": """
        mean, std = mean.unsqueeze(1).unsqueeze(2), std.unsqueeze(1).unsqueeze(2)
        return images / std - mean / std
    """,
    "channels last and back": "return ((images.permute(0, 2, 3, 1) - mean) / std).permute(0, 3, 1, 2)",
    "a loop over a copy": """
        result = images.clone()
        for channel in range(3):
            result[:, channel] -= mean[channel]
            result[:, channel] /= std[channel]
        return result
    """,
    "torchvision": """
        from torchvision.transforms.functional import normalize
        return normalize(images, mean.tolist(), std.tolist())
    """,
}

# What people write who meet broadcasting for the first time, by the mistake that it is.
WRONG_BODIES = {
    "no_reshape": "return (images - mean) / std",
    "over_height": "return (images - mean[:, None]) / std[:, None]",
    "mean_not_subtracted": "return images / std[:, None, None]",
    "not_divided": "return images - mean[:, None, None]",
    "multiplied": "return (images - mean[:, None, None]) * std[:, None, None]",
    "variance": "return (images - mean[:, None, None]) / (std * std)[:, None, None]",
    "root_of_std": "return (images - mean[:, None, None]) / torch.sqrt(std)[:, None, None]",
    "divided_first": """
        images = images / std.view(1, 3, 1, 1)
        return images - mean.view(1, 3, 1, 1)
    """,
    "brackets_missing": "return images - mean[:, None, None] / std[:, None, None]",
    "mean_added": "return (mean[:, None, None] + images) / std[:, None, None]",
    "one_global_number": """
        m, s = torch.mean(mean), torch.mean(std)
        return (images - m) / s
    """,
    "statistics_of_each_image": """
        mean = images.mean(dim=(2, 3), keepdim=True)
        std = images.std(dim=(-2, -1), keepdim=True)
        return (images - mean) / std
    """,
    "statistics_of_the_batch": """
        std, mean = torch.std_mean(images, dim=(0, 2, 3))
        return (images - mean[:, None, None]) / std[:, None, None]
    """,
    "in_place": """
        images -= mean.view(3, 1, 1)
        images /= std.view(3, 1, 1)
        return images
    """,
    "one_image_only": """
        for image in images:
            return (image - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    """,
    "returns_none": "result = (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)",
}


AGAIN_BODIES = {
    "a loop over the input itself": (
        "in_place",
        """
        for channel in range(3):
            images[:, channel] = (images[:, channel] - mean[channel]) / std[channel]
        return images
        """,
    ),
}

UNKNOWN_BODIES = {
    "always two": "return (images - mean.view(3, 1, 1)) / 2",
    "a list": "return images.tolist()",
    "the mean changed in place": """
        mean += 1
        return images
    """,
}


def _function(body: str) -> str:
    return "def normalise(images, mean, std):\n" + textwrap.indent(textwrap.dedent(body), "    ")


RIGHT = {way: _function(body) for way, body in RIGHT_BODIES.items()}
WRONG = {hint_id: _function(body) for hint_id, body in WRONG_BODIES.items()}
AGAIN = {way: (hint_id, _function(body)) for way, (hint_id, body) in AGAIN_BODIES.items()}
UNKNOWN = {way: _function(body) for way, body in UNKNOWN_BODIES.items()}
