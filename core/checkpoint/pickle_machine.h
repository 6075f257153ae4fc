// The machine that a pickle is a program for: a stack, marks on it, and a memo from which values are fetched again.
// Each of its operations is what one or several opcodes do; pickle.cpp has the table of these. Values are numbered as
// they are made and hold one another by number alone. Used by pickle.cpp only.
#pragma once

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/checkpoint/pickle.h"
#include "core/checkpoint/plain_text.h"

namespace berth::checkpoint {

class PickleMachine {
 public:
  using Id = PickleValue::Id;
  using Kind = PickleValue::Kind;

  explicit PickleMachine(const PickleSource& source)
      : source_(source), bytes_(source.bytes.substr(0, kLargest)), result_{source, {}, 0, 0} {}

  Pickle run();

  template <typename T>
  T number() {
    T value{};
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  void begin(std::uint8_t protocol) {
    if (protocol < 2 || protocol > 5) fail(fmt::format("a pickle of protocol {}; 2 to 5 are read", protocol));
  }

  void frame(std::uint64_t size) {
    if (size > bytes_.size() - next_) fail("a frame goes on after the end: is the file cut?");
  }

  PickleValue& push(Kind kind) {
    if (result_.values.size() >= kMostValues) fail("more values than a state dict has");
    push(static_cast<Id>(result_.values.size()));
    PickleValue& made = result_.values.emplace_back();
    made.kind = kind;
    made.at = at_;
    return made;
  }

  void push_number(Kind kind, std::int64_t number) { push(kind).number = number; }

  // Two's complement, in as many bytes as it takes.
  void push_long(std::size_t size) {
    const std::string_view digits = take(size);
    if (digits.size() > sizeof(std::int64_t)) {
      push(Kind::kWideInteger).text = digits;
      return;
    }
    const bool is_negative = !digits.empty() && (static_cast<unsigned char>(digits.back()) & 0x80U) != 0;
    std::int64_t number = is_negative ? -1 : 0;
    std::memcpy(&number, digits.data(), digits.size());
    push_number(Kind::kInteger, number);
  }

  void push_float() {
    take(sizeof(double));
    push(Kind::kFloat);
  }

  void push_text(std::size_t size) {
    const std::string_view text = take(size);
    push(Kind::kText).text = text;
  }

  void mark() {
    if (marks_.size() >= kMostValues) fail("more marks than a state dict has");
    marks_.push_back(stack_.size());
  }

  std::vector<Id> pop(std::size_t count) {
    if (open() < count) fail("an opcode finds too few values to work on");
    std::vector<Id> ids(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return ids;
  }

  std::vector<Id> pop_to_mark() {
    if (marks_.empty()) fail("an opcode finds no mark");
    std::vector<Id> ids = pop(open());
    marks_.pop_back();
    return ids;
  }

  void push_tuple(std::vector<Id> items) { push(Kind::kTuple).items = std::move(items); }

  // Puts items into the list or dict on top.
  void extend(Kind kind, const std::vector<Id>& items) {
    PickleValue& target = value(top());
    if (target.kind != kind) fail(fmt::format("items for {}, expected {}", describe(target.kind), describe(kind)));
    if (kind == Kind::kDict && items.size() % 2 != 0) fail("a key without a value");
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  void put(std::size_t index) {
    if (index >= kMostValues) fail(fmt::format("the memo's place {} is beyond what a state dict needs", index));
    if (index >= memo_.size()) memo_.resize(index + 1, kNothing);
    memo_[index] = top();
  }

  void put_next() { put(memo_.size()); }

  void get(std::size_t index) {
    if (index >= memo_.size() || memo_[index] == kNothing) fail(fmt::format("the memo has nothing at place {}", index));
    push(memo_[index]);
  }

  void push_global_of_lines() {
    const std::string_view module = line();
    push_global(module, line());
  }

  void push_global_of_stack() {
    const std::vector<Id> ids = pop(2);
    if (value(ids[0]).kind != Kind::kText || value(ids[1]).kind != Kind::kText) fail("a global without a name");
    push_global(value(ids[0]).text, value(ids[1]).text);
  }

  void call() {
    const std::vector<Id> ids = pop(2);
    if (value(ids[0]).kind != Kind::kGlobal) fail(fmt::format("a call of {}", describe(value(ids[0]).kind)));
    std::string global = value(ids[0]).text;
    std::vector<Id> arguments = tuple(ids[1]);
    if (global != kOrderedDict) {
      PickleValue& made = push(Kind::kCall);
      made.text = std::move(global);
      made.items = std::move(arguments);
    } else if (arguments.empty()) {
      push(Kind::kDict);
    } else {
      fail(fmt::format("{} with {} arguments, expected none", kOrderedDict, arguments.size()));
    }
  }

  void pass_over_attributes() {
    const Id attributes = pop(1).front();
    if (value(attributes).kind != Kind::kDict || value(top()).kind != Kind::kDict) {
      fail("attributes for something else than an OrderedDict");
    }
  }

  void push_persistent() {
    std::vector<Id> items = tuple(pop(1).front());
    push(Kind::kPersistent).items = std::move(items);
  }

 private:
  static constexpr std::size_t kLargest = std::size_t{64} << 20;
  static constexpr std::size_t kMostValues = 1'000'000;  // a state dict has about 15 a tensor
  static constexpr std::size_t kMostArguments = 16;      // they are copied at each call
  static constexpr Id kNothing = std::numeric_limits<Id>::max();
  static constexpr std::string_view kOrderedDict = "collections.OrderedDict";

  [[noreturn]] void fail(std::string_view text) const { source_.fail(at_, text); }

  std::string_view take(std::size_t size) {
    if (size > bytes_.size() - next_) {
      fail(bytes_.size() == kLargest ? "the pickle is larger than the 64 MB that are read: no state dict's"
                                     : "the pickle ends too early: is the file cut?");
    }
    next_ += size;
    return bytes_.substr(next_ - size, size);
  }

  // A text up to the end of its line, which is taken too.
  std::string_view line() {
    const std::size_t end = bytes_.find('\n', next_);
    if (end == std::string_view::npos) fail("a name without an end: is the file cut?");
    const std::string_view text = take(end + 1 - next_);
    return text.substr(0, text.size() - 1);
  }

  PickleValue& value(Id id) { return result_.values[id]; }

  std::size_t open() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }  // values above the mark

  Id top() const {
    if (open() == 0) fail("an opcode finds no value to work on");
    return stack_.back();
  }

  void push(Id id) {
    if (stack_.size() >= kMostValues) fail("more values than a state dict has");
    stack_.push_back(id);
  }

  std::vector<Id> tuple(Id id) {
    if (value(id).kind != Kind::kTuple) fail(fmt::format("{} where a tuple was expected", describe(value(id).kind)));
    if (value(id).items.size() > kMostArguments) fail("more arguments than a state dict's calls have");
    return value(id).items;
  }

  void push_global(std::string_view module, std::string_view name) {
    std::string global = fmt::format("{}.{}", module, name);
    if (!source_.is_known(global)) {
      fail(
          fmt::format("calls {}, which a state dict has no need of; berth runs nothing that a file asks for. Expected "
                      "what torch.save(model.state_dict(), FILE) writes: not the model itself, nor what else a "
                      "training checkpoint has",
                      in_quotes(global)));
    }
    push(Kind::kGlobal).text = std::move(global);
  }

  const PickleSource& source_;
  std::string_view bytes_;
  Pickle result_;
  std::size_t next_ = 0;  // byte to read
  std::size_t at_ = 0;    // byte of the opcode
  std::vector<Id> stack_;
  std::vector<std::size_t> marks_;  // how many values lie below each
  std::vector<Id> memo_;
};

}  // namespace berth::checkpoint
