"""Your own network on our shards: `python examples/train_your_own.py SHARDS` (the output of `unveilify shard`)."""

import sys

import torch
from torch.utils.data import DataLoader

import unveilify

shards = unveilify.open_shards(sys.argv[1], "train", size_px=32)
network = torch.nn.Sequential(
    torch.nn.Conv2d(7, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(16, 3, 3, padding=1)
)
adam = torch.optim.Adam(network.parameters(), 1e-3)
for step, batch in enumerate(DataLoader(shards, batch_size=8, shuffle=True)):
    seen = torch.cat([batch["masked"], batch["identity"][:, 0], batch["hole"]], 1)
    loss = (network(seen) - batch["unmasked"]).abs().mean()
    adam.zero_grad()
    loss.backward()
    adam.step()
    print(f"step {step}: L1 {loss.item():.3f}")
