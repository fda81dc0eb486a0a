/*
 * The skeleton: 18 keypoints, 19 limbs, maps of 16x16 cells over a picture of 128x128 pixels.
 *
 * Order of keypoints and limbs as in OpenPose's COCO model
 * (CMU-Perceptual-Computing-Lab/openpose:src/openpose/pose/poseParameters.cpp); the host has the
 * same tables in max78000/apps/pose/skeleton.py, and a test compares what both find.
 */

#ifndef POSE_SKELETON_H
#define POSE_SKELETON_H

#define POSE_PARTS 18    /* keypoints of a person; heatmap 18, the background, is not used */
#define POSE_LIMBS 19
#define POSE_HEATMAPS 19 /* as the network gives them, the background last */
#define POSE_FIELDS 38   /* part-affinity maps: limb k has x in map 2k and y in map 2k + 1 */

#define MAP_SIDE 16      /* cells */
#define MAP_CELLS (MAP_SIDE * MAP_SIDE)
#define CELL_PIXELS 8
#define PICTURE_SIDE (MAP_SIDE * CELL_PIXELS)
#define PICTURE_BYTES (PICTURE_SIDE * PICTURE_SIDE * 3)

#endif /* POSE_SKELETON_H */
