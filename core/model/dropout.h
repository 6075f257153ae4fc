// Dropout whose masks come from a counter-based generator (Philox 4x32-10, Salmon et al. 2011): the mask of an element
// depends on the key, the place in the network and the element's index alone, so that a run repeats and resumes
// exactly, whatever the number of threads.
#pragma once

#include <cstdint>

namespace berth::model {

// Names one micro-batch's randomness; the encoder numbers the places where it draws.
struct DropoutKey {
  std::uint64_t seed = 0;  // of the run and purpose
  std::uint64_t draw = 0;  // of the task, step and micro-batch
};

// One dropout of the network.
struct DropoutRun {
  double p = 0;  // in [0, 1)
  DropoutKey key;
  std::uint32_t place = 0;  // which one it is
  std::int64_t before = 0;  // elements of the whole batch before this part of it

  double kept_factor() const { return 1 / (1 - p); }  // of what is kept
};

// Bytes, 1 kept, 0 dropped, of `count` elements from element `first` of this part on.
void dropout_mask(std::uint8_t* mask, std::int64_t first, std::int64_t count, const DropoutRun& dropout);

}  // namespace berth::model
