"""Pictures with a person each, drawn: an input of the photographs' tests."""

import json

import numpy as np
from PIL import Image, ImageDraw


def street(folder, n=24, size=(200, 150)):
    """Pictures with one person each, whose points and box are known, and different grounds."""
    pictures = folder / "pictures"
    pictures.mkdir()
    rng = np.random.default_rng(5)
    images, annotations = [], []
    for index in range(n):
        ground = Image.fromarray(rng.integers(0, 255, (6, 8), np.uint8)).resize(size).convert("RGB")
        x, y = rng.uniform(20, 90), rng.uniform(5, 40)
        points = np.stack((x + rng.uniform(0, 50, 17), y + rng.uniform(0, 98, 17)), axis=1)
        pen = ImageDraw.Draw(ground)
        for px, py in points:
            pen.ellipse((px - 2, py - 2, px + 2, py + 2), fill=(255, 0, 0))
        name = f"{index:012}.png"
        ground.save(pictures / name)
        images.append({"id": index, "file_name": name})
        keypoints = np.column_stack((points, np.full(17, 2))).ravel().round(2).tolist()
        annotations.append(
            {"image_id": index, "category_id": 1, "keypoints": keypoints, "area": 3000,
             "bbox": [round(float(x), 2), round(float(y), 2), 50, 98], "iscrowd": 0}
        )  # fmt: skip
    path = folder / "person_keypoints.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return pictures, path


def bare_street(folder, n):
    """Pictures of `street` with one red dot, and a box around it instead of keypoints."""
    pictures, annotations = street(folder, n)
    listing = json.loads(annotations.read_text())
    for person in listing["annotations"]:
        person["labelled"] = person.pop("keypoints")
    annotations.write_text(json.dumps(listing))
    return pictures, annotations
