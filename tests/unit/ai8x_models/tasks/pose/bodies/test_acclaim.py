"""Captured motion: files that the test writes, and real ones if they are there."""

from pathlib import Path

import numpy as np
import pytest

from ai8x_models.tasks.pose.bodies.acclaim import read_motion, read_skeleton, turn
from ai8x_models.tasks.pose.bodies.postures import Captured, captured_from
from ai8x_models.tasks.pose.bodies.segments import INDEX
from max78000.errors import InputError

MOCAP = Path(__file__).parents[7] / "shared" / "mocap"

# A root from which a stick hangs, then a stick to the side whose axes are turned by 90 degrees.
SKELETON = """# made up
:version 1.10
:name two sticks
:units
  mass 1.0
  length 0.5
  angle deg
:documentation
   none
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name upper
     direction 0 -2 0
     length 3
     axis 0 0 0 XYZ
     dof rx rz
     limits (-160.0 20.0)
            (-70.0 70.0)
  end
  begin
     id 2
     name lower
     direction 1 0 0
     length 2
     axis 0 0 90 XYZ
     dof rx
  end
:hierarchy
  begin
    root upper
    upper lower
  end
"""
MOTION = """#!OML
:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 0 0 0
upper 0 0
lower 0
2
root 1 2 3 0 90 0
upper 90 0
lower 0
3
root 0 0 0 0 0 0
upper 0 0
lower 90
"""


def written(folder, skeleton=SKELETON, motion=MOTION):
    (folder / "07.asf").write_text(skeleton)
    (folder / "07_01.amc").write_text(motion)
    read = read_skeleton(folder / "07.asf")
    return read, read_motion(folder / "07_01.amc", read)


def ends_of(skeleton, frame):
    """Where each bone ends in a frame, (3,) in the file's units; the root is at the origin."""
    turns = skeleton.turns(frame)
    ends = {"root": np.zeros(3)}
    for name, bone in skeleton.bones.items():
        ends[name] = ends[bone.parent] + bone.length * turns[name] @ bone.direction
    return ends


def test_bones_turn_about_their_own_axes(tmp_path):
    skeleton, frames = written(tmp_path)
    assert len(frames) == 3
    rest, turned, bent = (ends_of(skeleton, frame) for frame in frames)
    np.testing.assert_allclose(rest["upper"], (0, -3, 0), atol=1e-12)
    np.testing.assert_allclose(rest["lower"], (2, -3, 0), atol=1e-12)
    # About x the stick swings from down to back; the root then turns back, about y, to the left.
    np.testing.assert_allclose(turned["upper"], (-3, 0, 0), atol=1e-12)
    np.testing.assert_allclose(turned["lower"], (-3, 0, -2), atol=1e-12)
    # Its own x axis is the file's y axis.
    np.testing.assert_allclose(bent["lower"], (0, -3, -2), atol=1e-12)


def test_the_first_axis_of_an_order_turns_first():
    quarter = np.pi / 2
    np.testing.assert_allclose(turn((quarter, 0, quarter)) @ (0, 1, 0), (0, 0, 1), atol=1e-12)
    np.testing.assert_allclose(
        turn((quarter, 0, quarter), "ZYX") @ (0, 1, 0), (-1, 0, 0), atol=1e-12
    )


def test_angles_may_be_radians(tmp_path):
    motion = MOTION.replace(":DEGREES", ":RADIANS")
    skeleton, _ = written(tmp_path, SKELETON.replace("angle deg", "angle rad"), motion)
    end = ends_of(skeleton, {"upper": (np.pi / 2, 0)})["upper"]
    np.testing.assert_allclose(end, (0, 0, -3), atol=1e-12)


@pytest.mark.parametrize(("order", "end"), [("XYZ", (0, 0, -3)), ("ZYX", (3, 0, 0))])
def test_bones_turn_in_the_order_of_their_axes(tmp_path, order, end):
    """Down; about x to the back, about z to the right: whichever comes first."""
    skeleton = SKELETON.replace("axis 0 0 0 XYZ", f"axis 0 0 0 {order}")
    read, _ = written(tmp_path, skeleton)
    ends = ends_of(read, {"upper": (90, 90)})
    np.testing.assert_allclose(ends["upper"], end, atol=1e-12)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (":hierarchy", ":tree"),
        ("direction 1 0 0", "direction 0 0 0"),
        ("direction 1 0 0", "direction 1 0"),
        ("length 2", "length two"),
        ("axis 0 0 90 XYZ", "axis 0 0 90 XQZ"),
        ("axis 0 0 90 XYZ", "axis 0 0 90 XXY"),
        ("angle deg", "angle grad"),
        ("root upper", "hip upper"),
        ("name lower", "name other"),
        ("axis 0 0 90 XYZ", "axis 0 0 nan XYZ"),
        ("orientation 0 0 0", "orientation 0 inf 0"),
        ("upper lower", "upper lower upper"),
    ],
)
def test_malformed_skeletons_are_refused(tmp_path, old, new):
    with pytest.raises(InputError, match="not an Acclaim skeleton"):
        written(tmp_path, SKELETON.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("upper 90 0", "upper 90", r"07_01.amc:10: not a motion of this skeleton.*1 numbers"),
        ("upper 90 0", "hip 90 0", "not a motion of this skeleton: KeyError 'hip'"),
        ("upper 90 0", "upper nan 0", "not a motion of this skeleton"),
        ("1\nroot", "root", "not a motion of this skeleton"),
        (MOTION, ":DEGREES\n", "has no frames"),
        (":DEGREES", ":RADIANS", "07_01.amc:3: .*angles in rad, those of the skeleton are in deg"),
        ("lower 0\n3", "3", "07_01.amc:11: .*frame 2 and the first differ in lower"),
        ("lower 90\n", "", "frame 3 and the first differ in lower"),
        ("lower 90\n", "lower 90\nlower 80\n", "07_01.amc:16: .*frame 3 has lower twice"),
        ("root 0 0 0 0 0 0\n", "root 0 0 0 0 0 0\n" * 2, "frame 3 has root twice"),
        (MOTION, "1\n2\n3\n", "07_01.amc:2: .*frame 1 has no bones"),
        (MOTION, "1\n", "07_01.amc:1: .*frame 1 has no bones"),
    ],
)
def test_malformed_motions_are_refused(tmp_path, old, new, message):
    with pytest.raises(InputError, match=message):
        written(tmp_path, motion=MOTION.replace(old, new, 1))


def test_a_folder_without_motions_or_people_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no motions"):
        captured_from(tmp_path)
    written(tmp_path)
    with pytest.raises(InputError, match="its skeleton has no bone"):
        captured_from(tmp_path)
    with pytest.raises(InputError, match="no such file of postures"):
        Captured.read(tmp_path / "postures.h5")


# Bones of people: name, parent, direction at rest, arms to the sides and legs somewhat apart.
PERSON = [
    ("upperback", "root", "0 1 0"),
    ("thorax", "upperback", "0 1 0"),
    ("lowerneck", "thorax", "0 1 0"),
    ("head", "lowerneck", "0 1 0"),
    *(
        (f"{side}{name}", f"{side}{parent}" if parent in ("femur", "tibia", "humerus", "radius")
         else parent, direction.replace("+", sign))
        for side, sign in (("l", ""), ("r", "-"))
        for name, parent, direction in (
            ("femur", "root", "+0.34 -0.94 0"), ("tibia", "femur", "+0.34 -0.94 0"),
            ("foot", "tibia", "0 -0.2 1"), ("humerus", "thorax", "+1 0 0"),
            ("radius", "humerus", "+1 0 0"), ("hand", "radius", "+1 0 0"),
        )
    ),
]  # fmt: skip


def person_skeleton():
    bones = "".join(
        f"begin\n name {name}\n direction {direction}\n length 1\n axis 0 0 0 XYZ\n"
        f" dof rx ry rz\nend\n"
        for name, _, direction in PERSON
    )
    tree = "".join(f"{parent} {name}\n" for name, parent, _ in PERSON)
    head = SKELETON.partition(":bonedata")[0]
    return f"{head}:bonedata\n{bones}:hierarchy\nbegin\n{tree}end\n"


def test_captured_people_become_postures(tmp_path):
    """At rest, nothing is turned once the limbs hang; then an arm, and the whole body, turn."""
    motion = "1\nroot 0 0 0 0 0 0\nlhumerus 0 0 0\n2\nroot 5 5 5 0 70 0\nlhumerus 0 -90 0\n"
    (tmp_path / "07.asf").write_text(person_skeleton())
    (tmp_path / "07_01.amc").write_text(motion)
    captured = captured_from(tmp_path)
    captured.write(tmp_path / "postures.h5")
    rest, pointing = Captured.read(tmp_path / "postures.h5").postures
    np.testing.assert_array_equal(rest, captured.postures[0])
    hanging = [k for name, k in INDEX.items() if not name.endswith(("upper", "fore", "hand"))]
    np.testing.assert_allclose(rest[hanging], np.tile(np.eye(3), (len(hanging), 1, 1)), atol=0.4)
    np.testing.assert_allclose(rest[INDEX["head"]], np.eye(3), atol=1e-6)
    # Heading does not matter. In the figures' axes, people look along -z and have +x to their left.
    np.testing.assert_allclose(pointing[INDEX["pelvis"]], np.eye(3), atol=1e-6)
    left, right = (pointing[INDEX[f"{side}_fore"]] @ (0, 1, 0) for side in ("left", "right"))
    np.testing.assert_allclose(left, (0, 0, -1), atol=1e-6)  # forwards
    np.testing.assert_allclose(right, (-1, 0, 0), atol=1e-6)  # still to the side


@pytest.mark.long
@pytest.mark.skipif(not MOCAP.exists(), reason="no captured motion beside the repository")
def test_real_motion_is_upright_and_walks():
    skeleton = read_skeleton(MOCAP / "02.asf")
    frames = read_motion(MOCAP / "02_01.amc", skeleton)  # walking
    apart = []
    for frame in frames:
        ends = ends_of(skeleton, frame)
        assert ends["head"][1] > ends["lfemur"][1] > ends["lfoot"][1]
        apart.append(float(np.linalg.norm(ends["lfoot"] - ends["rfoot"])))
    assert max(apart) > 2 * min(apart)
