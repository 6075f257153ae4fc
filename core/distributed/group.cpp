#include "core/distributed/group.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstdlib>
#include <cstring>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "berth/error.h"
#include "core/distributed/nccl.h"

namespace berth::distributed {
namespace {

using Device = std::shared_ptr<gloo::transport::Device>;

// This machine's address on the way to another: no packet is sent. "" where there is none.
std::string own_address(const std::string& host, std::uint16_t port) {
  using boost::asio::ip::udp;
  boost::asio::io_context context;
  boost::system::error_code failed;
  const auto found = udp::resolver(context).resolve(host, std::to_string(port), failed);
  if (failed || found.empty()) return "";
  udp::socket socket(context);
  socket.connect(*found.begin(), failed);
  const auto own = failed ? udp::endpoint() : socket.local_endpoint(failed);
  return failed ? "" : own.address().to_string();
}

// Named by GLOO_SOCKET_IFNAME, as elsewhere; else the one that leads to process 0.
Device device_of(const Place& place) {
  using Gloo = c10d::ProcessGroupGloo;
  if (const char* interface = std::getenv("GLOO_SOCKET_IFNAME"); interface != nullptr) {
    return Gloo::createDeviceForInterface(interface);
  }
  const auto address = own_address(place.address, place.port);
  return address.empty() ? Gloo::createDefaultDevice() : Gloo::createDeviceForHostname(address);
}

c10::intrusive_ptr<c10d::Store> meeting_place(const Place& place, const GroupOptions& options) {
  c10d::TCPStoreOptions store;
  store.port = place.port;
  store.isServer = place.is_first() && !place.is_served;
  store.waitWorkers = !place.is_served;
  store.numWorkers = static_cast<std::size_t>(place.size);
  store.timeout = options.start_timeout;
  return c10::make_intrusive<c10d::PrefixStore>(place.meeting,
                                                c10::make_intrusive<c10d::TCPStore>(place.address, store));
}

// What c10d says, without the advice and the trace that it adds.
std::string reason(const std::exception& error) {
  std::string text = error.what();
  text.erase(std::min(text.find('\n'), text.size()));
  text.erase(std::min(text.find(". "), text.size()));
  return text;
}

}  // namespace

class Group::Gloo {
 public:
  Gloo(const Place& place, const GroupOptions& options) {
    try {
      auto settings = c10d::ProcessGroupGloo::Options::create(options.timeout);
      settings->devices.push_back(device_of(place));
      const auto store = meeting_place(place, options);
      group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(store, place.rank, place.size, settings);
      nccl_ = make_nccl(store, place, options);
      store->set(met_key(place.rank), "");
    } catch (const std::exception& error) {
      throw Error(ErrorKind::kIo, fmt::format("process {} of {} did not find the others at {}:{}: {}; are all of them "
                                              "started, and is that address open to them?",
                                              place.rank, place.size, place.address, place.port, reason(error)));
    }
  }

  // Which one sums such a tensor; null where it has to come to the processor's memory first.
  c10d::Backend* group_for(const at::Tensor& tensor) const {
    if (tensor.is_cpu()) return group_.get();
    return tensor.is_cuda() ? nccl_.get() : nullptr;
  }

  template <typename Call>
  auto guarded(Call&& call) {
    try {
      return call(*group_);
    } catch (const std::exception& error) {
      throw Error(ErrorKind::kIo,
                  fmt::format("another process is gone: {}; what the run saved last is whole, and `berth run "
                              "--resume` goes on from there",
                              reason(error)));
    }
  }

 private:
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
  c10::intrusive_ptr<c10d::Backend> nccl_;  // see make_nccl()
};

std::string met_key(int rank) { return fmt::format("met/{}", rank); }

Group::Group() = default;

Group::Group(const Place& place, const GroupOptions& options) : rank_(place.rank), size_(place.size) {
  if (place.size > 1) gloo_ = std::make_unique<Gloo>(place, options);
}

Group::~Group() = default;

Group& Group::alone() {
  static Group group;  // without any state
  return group;
}

void Group::sum(at::Tensor& tensor) { begin_sum(tensor)(); }

void Group::sum(std::vector<double>& numbers) {
  if (is_alone() || numbers.empty()) return;
  auto view = at::from_blob(numbers.data(), {static_cast<std::int64_t>(numbers.size())}, at::kDouble);
  sum(view);
}

std::function<void()> Group::begin_sum(at::Tensor& tensor) {
  if (is_alone()) return [] {};
  auto* group = gloo_->group_for(tensor);
  if (group == nullptr) {
    at::Tensor copy = tensor.cpu();
    return [sum = begin_sum(copy), copy, target = tensor] {
      sum();
      target.copy_(copy);
    };
  }
  return gloo_->guarded([&](c10d::ProcessGroupGloo&) -> std::function<void()> {
    std::vector<at::Tensor> tensors = {tensor};
    auto work = group->allreduce(tensors);
    return [this, work = std::move(work)] { gloo_->guarded([&](c10d::ProcessGroupGloo&) { work->wait(); }); };
  });
}

// Padded to the longest: gloo's gathering takes tensors of one size.
std::vector<std::string> Group::gather(const std::string& bytes) {
  if (is_alone()) return {bytes};
  std::vector<double> lengths(static_cast<std::size_t>(size_), 0);
  lengths[static_cast<std::size_t>(rank_)] = static_cast<double>(bytes.size());
  sum(lengths);
  const auto longest = static_cast<std::int64_t>(*std::max_element(lengths.begin(), lengths.end()));
  std::vector<std::string> all(lengths.size());
  if (longest == 0) return all;
  auto own = at::zeros({longest}, at::kByte);
  std::memcpy(own.data_ptr(), bytes.data(), bytes.size());
  std::vector<std::vector<at::Tensor>> received(1);
  for (std::size_t i = 0; i < all.size(); ++i) received[0].push_back(at::empty({longest}, at::kByte));
  gloo_->guarded([&](c10d::ProcessGroupGloo& group) {
    std::vector<at::Tensor> sent = {own};
    group.allgather(received, sent)->wait();
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].assign(static_cast<const char*>(received[0][i].data_ptr()), static_cast<std::size_t>(lengths[i]));
  }
  return all;
}

std::vector<std::vector<std::string>> Group::gather(const std::vector<std::string>& pieces) {
  if (is_alone()) return {pieces};
  std::string joined;  // each with its length before it
  for (const auto& piece : pieces) {
    const auto length = static_cast<std::uint64_t>(piece.size());
    joined.append(reinterpret_cast<const char*>(&length), sizeof(length)).append(piece);
  }
  std::vector<std::vector<std::string>> all;
  for (const auto& bytes : gather(joined)) {
    auto& own = all.emplace_back();
    for (std::size_t at = 0; at < bytes.size();) {
      std::uint64_t length = 0;
      std::memcpy(&length, bytes.data() + at, sizeof(length));
      own.push_back(bytes.substr(at + sizeof(length), length));
      at += sizeof(length) + length;
    }
  }
  return all;
}

std::string Group::from_first(const std::string& bytes) {
  if (is_alone()) return bytes;
  return gather(is_first() ? bytes : std::string()).front();
}

void Group::meet() {
  if (is_alone()) return;
  gloo_->guarded([](c10d::ProcessGroupGloo& group) { group.barrier()->wait(); });
}

}  // namespace berth::distributed
