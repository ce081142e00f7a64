"""The light video-quality model: clean material, graded distortions, VMAF as the label, training and figures."""
