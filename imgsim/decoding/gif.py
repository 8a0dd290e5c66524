"""GIF: a first frame that does not cover the whole picture."""

from PIL import Image
from PIL.ImageFile import ImageFile


def load_first_frame(image: Image.Image) -> Image.Image:
    """Load an opened GIF; what its first frame leaves uncovered is transparent, which Pillow fills with a colour."""
    box = image.tile[0].extents if isinstance(image, ImageFile) and image.tile else None
    image.load()
    if box is None or box == (0, 0, *image.size):
        return image
    shown = Image.new("RGBA", image.size, (255, 255, 255, 0))
    shown.paste(image.crop(box).convert("RGBA"), box)
    return shown
