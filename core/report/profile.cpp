#include "core/report/profile.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "core/training/trainer.h"

namespace berth::report {
namespace {

using training::kStepScope;

// LibTorch's callbacks are plain functions.
thread_local Profile* current = nullptr;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string part_of(std::string_view operation, at::RecordScope scope) {
  constexpr std::string_view kOurs = "berth: ";
  constexpr std::array<std::string_view, 4> kProducts = {"aten::mm", "aten::addmm", "aten::addmm_", "aten::bmm"};
  if (operation.starts_with(kOurs)) return std::string(operation.substr(kOurs.size()));
  if (std::find(kProducts.begin(), kProducts.end(), operation) != kProducts.end()) return "matrix products";
  if (operation.starts_with("aten::_to_copy") || operation == "aten::copy_" || operation == "aten::to") {
    return "copies and conversions";
  }
  if (scope == at::RecordScope::BACKWARD_FUNCTION) return "autograd";
  return operation.starts_with("aten::") ? "other operations of LibTorch" : "others";
}

}  // namespace

Profile::Profile() {
  TORCH_CHECK(current == nullptr, "one profile at a time");
  current = this;
  callback_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&Profile::begin, &Profile::end));
}

Profile::~Profile() {
  at::removeCallback(callback_);
  current = nullptr;
}

std::unique_ptr<at::ObserverContext> Profile::begin(const at::RecordFunction& function) {
  if (current == nullptr) return nullptr;
  if (std::string_view(function.name()) == kStepScope) current->is_in_step_ = true;
  if (current->is_in_step_) current->open_.push_back({function.name(), now(), 0});
  return nullptr;
}

void Profile::end(const at::RecordFunction& function, at::ObserverContext*) {
  if (current == nullptr || !current->is_in_step_ || current->open_.empty()) return;
  const Open open = current->open_.back();
  current->open_.pop_back();
  const double seconds = now() - open.start;
  const auto name = part_of(open.name, function.scope());
  auto& part = current->parts_[name];
  part.name = name;
  ++part.calls;
  part.seconds += seconds - open.inner;
  if (!current->open_.empty()) current->open_.back().inner += seconds;
  if (std::string_view(function.name()) == kStepScope) {
    current->is_in_step_ = false;
    ++current->steps_;
  }
}

std::vector<Profile::Part> Profile::parts() const {
  std::vector<Part> parts;
  for (const auto& [name, part] : parts_) parts.push_back(part);
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.seconds > b.seconds; });
  return parts;
}

double Profile::seconds() const {
  double sum = 0;
  for (const auto& [name, part] : parts_) sum += part.seconds;
  return sum;
}

std::string Profile::table() const {
  if (steps_ == 0) return "no training step was profiled\n";
  const auto per_step = [&](double total) { return total / static_cast<double>(steps_); };
  std::string text =
      fmt::format("{:<32} {:>10} {:>7} {:>12}\n", fmt::format("a step, mean of {}", steps_), "ms", "share", "calls");
  for (const auto& part : parts()) {
    text += fmt::format("{:<32} {:>10.2f} {:>6.1f}% {:>12.1f}\n", part.name, 1e3 * per_step(part.seconds),
                        100 * part.seconds / seconds(), per_step(static_cast<double>(part.calls)));
  }
  return text + fmt::format("{:<32} {:>10.2f}\n", "all", 1e3 * per_step(seconds()));
}

}  // namespace berth::report
