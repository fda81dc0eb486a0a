r"""A teacher for `ai8x data --teacher`: the landmark model of MediaPipe's pose package.

    npm pack @mediapipe/pose@0.5.1675469404 && tar xzf mediapipe-pose-*.tgz
    pip install ai-edge-litert
    ai8x data --images FOLDER --annotations FILE.json --album \
        --teacher 'mediapipe.py:Landmarks(model="package/pose_landmark_heavy.tflite")'

The model is Apache-2.0 and not part of this project. Its input is float32 (1, 256, 256, 3), RGB,
0 to 1; its first answer has 39 rows of x, y, z, visibility and presence, in pixels of the input and
as logits. Rows 0 to 32 are landmarks, of which 17 are COCO's keypoints.
"""

import numpy as np
from PIL import Image

SIDE = 256  # of the input
N_ROWS, N_COLUMNS = 39, 5
# COCO's keypoints among the landmarks: nose, eyes, ears, shoulders, ..., the person's left first.
COCO = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
X, Y, VISIBILITY, PRESENCE = 0, 1, 3, 4


class Landmarks:
    """Says the keypoints of the person in a crop.

    Args:
        model: file of the landmark model; heavy is the best of three, lite the quickest.
    """

    def __init__(self, model="package/pose_landmark_heavy.tflite"):
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - few machines have it

        self._network = Interpreter(model_path=str(model), num_threads=1)
        self._network.allocate_tensors()
        (self._input,) = (one["index"] for one in self._network.get_input_details())
        self._output = next(
            one["index"]
            for one in self._network.get_output_details()
            if one["shape"].tolist() == [1, N_ROWS * N_COLUMNS]
        )

    def __call__(self, crop):
        """Crop (S, S, 3), uint8 RGB, to (17, 3): x, y in its pixels, trust 0 to 1."""
        scaled = Image.fromarray(crop).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        self._network.set_tensor(self._input, np.asarray(scaled, np.float32)[None] / 255)
        self._network.invoke()
        rows = self._network.get_tensor(self._output).reshape(N_ROWS, N_COLUMNS)[list(COCO)]
        trust = sigmoid(rows[:, VISIBILITY]) * sigmoid(rows[:, PRESENCE])
        # Edges of the pictures lie on each other, so centres of pixels are half a pixel inside.
        places = rows[:, [X, Y]] * (len(crop) / SIDE) - 0.5
        return np.column_stack((places, trust))


def sigmoid(logits):
    """Logits as probabilities."""
    return 1 / (1 + np.exp(-logits.astype(np.float64)))
