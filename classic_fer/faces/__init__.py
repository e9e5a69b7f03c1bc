"""Faces: detection, landmarks, alignment, and the array type that travels through the house."""
