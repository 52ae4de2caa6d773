"""Brightness: is an image dark or bright?"""
