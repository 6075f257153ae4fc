"""Prints the rate factors of transformers' schedulers that tests/unit/training/schedule_test.cpp holds.
needs: torch transformers"""
import torch
from transformers import get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup


def factors(make, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer)
    values = []
    for _ in range(steps):
        values.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return values


for name, make in {
    "linear": lambda o: get_linear_schedule_with_warmup(o, 3, 10),
    "cosine": lambda o: get_cosine_schedule_with_warmup(o, 3, 10),
    "constant": lambda o: get_constant_schedule_with_warmup(o, 3),
}.items():
    print(name, ", ".join(repr(v) for v in factors(make, 10)))
