// Several members of one Group, as threads of one process.
#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <functional>
#include <thread>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <vector>

#include "core/distributed/group.h"

namespace berth::distributed {

inline void as_processes(int size, const std::function<void(Group&)>& what) {
  c10d::TCPStoreOptions options;
  options.port = 0;
  options.isServer = true;
  options.waitWorkers = false;
  const auto store = c10::make_intrusive<c10d::TCPStore>("127.0.0.1", options);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      Place place;
      place.rank = rank;
      place.size = size;
      place.port = store->getPort();
      place.is_served = true;
      try {
        Group group(place, {});
        what(group);
      } catch (const std::exception& error) {
        ADD_FAILURE() << "process " << rank << ": " << error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace berth::distributed
