#include "core/report/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <boost/crc.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <system_error>

#include "berth/error.h"
#include "core/model/json_text.h"
#include "core/platform/whole_file.h"

namespace berth::report {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "events.out.tfevents.";

// ---- Protocol Buffers: a field is its number and the form of what follows, then that.

enum class Form : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
}

void append_key(std::string& out, std::uint32_t field, Form form) {
  append_varint(out, (field << 3) | static_cast<std::uint32_t>(form));
}

// Of 4 or 8 bytes, the lowest first.
template <typename Integer>
void append_fixed(std::string& out, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

void append_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  append_key(out, field, Form::kBytes);
  append_varint(out, bytes.size());
  out.append(bytes);
}

void append_step(std::string& event, std::int64_t step) {
  append_key(event, 2, Form::kVarint);
  append_varint(event, static_cast<std::uint64_t>(step));
}

// Summary.Value: tag = 1, simple_value = 2.
std::string encode(const Scalar& scalar) {
  std::string value;
  append_bytes(value, 1, scalar.tag);
  append_key(value, 2, Form::kFixed32);
  append_fixed(value, std::bit_cast<std::uint32_t>(static_cast<float>(scalar.value)));
  return value;
}

// ---- TFRecord: length, its checksum, the bytes, theirs.

// CRC-32C, turned and moved as TFRecord wants it, so that a checksum over data with checksums in it is none of them.
std::uint32_t masked_crc(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return std::rotr(static_cast<std::uint32_t>(crc.checksum()), 15) + 0xa282ead8U;
}

std::string record(std::string_view event) {
  std::string text;
  text.reserve(event.size() + 16);
  append_fixed(text, static_cast<std::uint64_t>(event.size()));
  append_fixed(text, masked_crc(text));
  text.append(event);
  append_fixed(text, masked_crc(event));
  return text;
}

// ---- Names of files

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

// Later than those of the files that are there.
fs::path free_name(const fs::path& folder) {
  std::error_code error;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::int64_t time = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  int others = 0;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    ++others;
    std::int64_t other = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), other);
    time = std::max(time, other + 1);
  }
  if (error) throw Error(ErrorKind::kIo, {folder.string()}, "the folder can't be read: " + error.message());
  return folder / fmt::format("{}{:010}.{}.{}.{}", kPrefix, time, host_name(), getpid(), others);
}

// ---- Lines of metrics.jsonl

// JSON has null for every number that is not finite.
double number(const Json& value) {
  const double number = value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
  return std::isfinite(number) ? number : std::numeric_limits<double>::quiet_NaN();
}

void add_scores(const Json& line, const std::string& prefix, std::vector<Scalar>& scalars) {
  for (const auto& [score, value] : line.at("scores").items()) scalars.push_back({prefix + score, number(value)});
  const auto groups = line.find("groups");
  if (groups == line.end()) return;
  for (const auto& [group, scores] : groups->items()) {
    for (const auto& [score, value] : scores.items()) {
      scalars.push_back({fmt::format("{}{}/{}", prefix, score, group), number(value)});
    }
  }
}

// What a line of the file says, and nothing where it is cut off or damaged.
std::optional<Json> drawn_line(const std::string& text, const fs::path& file) {
  try {
    auto line = model::parse_ordered_json(text, file.string());
    if (!scalars_of(line).empty()) return line;
  } catch (const Error&) {  // of a run that was killed, the last one may be
  } catch (const Json::exception&) {
  }
  return std::nullopt;
}

}  // namespace

std::vector<Scalar> scalars_of(const Json& line) {
  std::vector<Scalar> scalars;
  const auto kind = line.at("kind").get<std::string>();
  if (kind == "train") {
    scalars.push_back({fmt::format("train/{}/loss", line.at("task").get<std::string>()), number(line.at("loss"))});
    scalars.push_back({"train/rate", number(line.at("rate"))});
    scalars.push_back({"train/gradient_norm", number(line.at("gradient_norm"))});
  } else if (kind == "evaluation") {
    add_scores(line, fmt::format("{}/{}/", line.at("set").get<std::string>(), line.at("task").get<std::string>()),
               scalars);
  } else if (kind == "final") {
    add_scores(line, fmt::format("final/{}/{}/", line.at("task").get<std::string>(), line.at("set").get<std::string>()),
               scalars);
  } else if (kind == "cosines" && line.contains("between")) {
    for (const auto& pair : line.at("between")) {
      const auto& tasks = pair.at("tasks");
      scalars.push_back({fmt::format("cosine/{},{}", tasks.at(0).get<std::string>(), tasks.at(1).get<std::string>()),
                         number(pair.at("cosine"))});
    }
  }
  return scalars;
}

Restart restart_of(const fs::path& metrics, std::uintmax_t kept_bytes, std::int64_t step) {
  std::ifstream in(metrics, std::ios::binary);
  if (!in) throw Error(ErrorKind::kIo, {metrics.string()}, "can't be read");
  Restart restart{step, {}};
  std::uintmax_t bytes = 0;
  std::vector<Json> kept;
  for (std::string text; std::getline(in, text);) {
    bytes += text.size() + 1;
    auto line = drawn_line(text, metrics);
    if (!line) continue;
    if (bytes <= kept_bytes) {
      kept.push_back(std::move(*line));
    } else {  // a final score stands at the step of its checkpoint, which may be an early one
      restart.step = std::min(restart.step, line->at("step").get<std::int64_t>());
    }
  }
  std::copy_if(kept.begin(), kept.end(), std::back_inserter(restart.lines),
               [&](const Json& line) { return line.at("step").get<std::int64_t>() >= restart.step; });
  return restart;
}

EventFile::EventFile(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorKind::kIo, {folder.string()}, "the folder can't be made: " + error.message());
  path_ = free_name(folder);
  file_.open(path_, std::ios::binary);
  std::string event;
  append_bytes(event, 3, "brain.Event:2");  // file_version: what TensorBoard drops at a restart is up to it
  write(event);
}

void EventFile::restart(const Restart& restart) {
  std::string log;  // SessionLog: status = 1, of which START is 1
  append_key(log, 1, Form::kVarint);
  append_varint(log, 1);
  std::string event;
  append_step(event, restart.step);
  append_bytes(event, 7, log);
  write(event);
  for (const auto& line : restart.lines) add(line);
}

void EventFile::add(const Json& line) {
  const auto scalars = scalars_of(line);
  if (scalars.empty()) return;
  const auto step = line.at("step").get<std::int64_t>();
  std::string summary;
  for (const auto& scalar : scalars) {
    // The lines of a step, one a task, share what is the run's: rate and norm.
    const auto [newest, is_first] = newest_.try_emplace(scalar.tag, step);
    if (!is_first && newest->second == step) continue;
    newest->second = step;
    append_bytes(summary, 1, encode(scalar));
  }
  if (summary.empty()) return;
  std::string event;
  append_step(event, step);
  append_bytes(event, 5, summary);
  write(event);
}

void EventFile::sync() const { platform::sync(path_); }

void EventFile::write(std::string_view event) {
  std::string timed;
  append_key(timed, 1, Form::kFixed64);  // wall_time, in seconds
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  append_fixed(timed, std::bit_cast<std::uint64_t>(now.count()));
  timed.append(event);
  file_ << record(timed) << std::flush;
  if (!file_) throw Error(ErrorKind::kIo, {path_.string()}, "can't be written; is the disk full?");
}

}  // namespace berth::report
