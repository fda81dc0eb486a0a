"""What cameras do to pictures: exposure, colour, blur, noise, compression."""

import io

import numpy as np
from PIL import Image, ImageFilter

from ai8x_models.tasks.pose.data.augment import jitter
from max78000.apps.pose.arrays import Uint8s

_GREY_SHARE = 0.05
_BLUR_RADIUS = (0.4, 1.3)  # pixels of the input
_NOISE = (2.0, 10.0)  # standard deviation, of 0..255
_QUALITY = (20, 80)  # of JPEG


def photographed(image: Uint8s, share: float, rng: np.random.Generator) -> Uint8s:
    """Take the picture (128, 128, 3) with another camera.

    Args:
        image: as the view shows it.
        share: probability of each of blur, noise and compression; 0 leaves the image as it is.
        rng: decides.
    """
    if not share:
        return image
    image = jitter(rng, image)
    if rng.random() < _GREY_SHARE:
        image = np.repeat(np.asarray(Image.fromarray(image).convert("L"))[..., None], 3, axis=2)
    is_blurred, is_noisy, is_packed = rng.random(3) < share
    if is_blurred:
        blur = ImageFilter.GaussianBlur(rng.uniform(*_BLUR_RADIUS))
        image = np.asarray(Image.fromarray(image).filter(blur))
    if is_noisy:
        noise = rng.normal(0, rng.uniform(*_NOISE), image.shape)
        image = np.rint(image + noise).clip(0, 255).astype(np.uint8)
    if is_packed:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=int(rng.integers(*_QUALITY)))
        image = np.asarray(Image.open(file))
    return image
