"""View synthesis: what does a scene look like from where no photo was taken?"""
