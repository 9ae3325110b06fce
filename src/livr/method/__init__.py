"""The method: roles, the bottleneck rule, latents, stages, variants. Read it in one sitting.

roles       every position of a sequence has a role
bottleneck  a policy says which role may not see which
attention   the policy reaches any backbone, as a mask or exactly without one
latents     K new vocabulary entries that carry what was seen
stages      which policy holds for how many epochs
variants    LIVR and its controls, as values
"""
