// TensorBoard's event file: the curves of a run for who watches them there. RunRecorder writes one beside metrics.jsonl
// where the suite says `report.tensorboard = true`; both are made of the same lines, so that they say the same.
//
// A file is a row of TFRecords, each an Event message of Protocol Buffers. The messages are encoded here by hand:
// LibTorch carries a library for them inside, a second one in the process clashes with it, and these are four messages
// with fixed fields (tensorboard/compat/proto: event.proto, summary.proto).
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/report/run_json.h"

namespace berth::report {

constexpr const char* kTensorboardFolder = "tensorboard";  // in a run folder

struct Scalar {
  std::string tag;   // "dev/inbox/accuracy"
  double value = 0;  // NaN where the line has null: what is no number, or undefined
};

// What a line of metrics.jsonl has to draw; nothing for a line of another kind. Throws Json::exception for one that
// berth did not write.
//   "train"       train/TASK/loss, and, once a step, train/rate, train/gradient_norm
//   "evaluation"  dev/TASK/SCORE, dev/TASK/SCORE/GROUP
//   "final"       final/TASK/SET/SCORE, final/TASK/SET/SCORE/GROUP
//   "cosines"     cosine/TASK,TASK
std::vector<Scalar> scalars_of(const Json& line);

// How the file of a run that goes on begins. TensorBoard drops what it has from `step` on; `lines` are those of
// metrics.jsonl that it drops with the rest although they stay.
struct Restart {
  std::int64_t step = 0;
  std::vector<Json> lines;
};

// metrics: as it is before it is cut to `kept_bytes`, by a run that goes on after `step`. Throws Error kIo.
Restart restart_of(const std::filesystem::path& metrics, std::uintmax_t kept_bytes, std::int64_t step);

class EventFile {
 public:
  // A new file in the folder, which is made: events.out.tfevents.TIME.HOST.PID.N. TensorBoard reads a run's files in
  // the order of their names, so TIME (seconds) is later than that of any other there. All calls throw Error kIo.
  explicit EventFile(const std::filesystem::path& folder);

  // Before any line.
  void restart(const Restart& restart);

  // A line of metrics.jsonl. TensorBoard sees it when this returns.
  void add(const Json& line);

  // So that a power cut takes nothing of what is there.
  void sync() const;

 private:
  // event: the encoded fields of an Event, without the time.
  void write(std::string_view event);

  std::filesystem::path path_;
  std::ofstream file_;
  std::map<std::string, std::int64_t> newest_;  // step of a tag's newest value
};

}  // namespace berth::report
