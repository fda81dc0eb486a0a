"""Pictures of people as training data: targets, augmentation, caches."""
