#include "core/checkpoint/pickle.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "berth/error.h"
#include "core/checkpoint/pickle_machine.h"

namespace berth::checkpoint {
namespace {

using Kind = PickleValue::Kind;
using Machine = PickleMachine;

struct Opcode {
  std::uint8_t code;
  const char* name;  // in Python's pickletools
  void (*run)(Machine&);
};

// All that torch.save needs for a state dict, in protocols 2 to 5. What is not here is refused.
constexpr Opcode kOpcodes[] = {
    {0x80, "PROTO", [](Machine& m) { m.begin(m.number<std::uint8_t>()); }},
    {0x95, "FRAME", [](Machine& m) { m.frame(m.number<std::uint64_t>()); }},
    {'N', "NONE", [](Machine& m) { m.push(Kind::kNone); }},
    {0x88, "NEWTRUE", [](Machine& m) { m.push_number(Kind::kBool, 1); }},
    {0x89, "NEWFALSE", [](Machine& m) { m.push_number(Kind::kBool, 0); }},
    {'J', "BININT", [](Machine& m) { m.push_number(Kind::kInteger, m.number<std::int32_t>()); }},
    {'K', "BININT1", [](Machine& m) { m.push_number(Kind::kInteger, m.number<std::uint8_t>()); }},
    {'M', "BININT2", [](Machine& m) { m.push_number(Kind::kInteger, m.number<std::uint16_t>()); }},
    {0x8A, "LONG1", [](Machine& m) { m.push_long(m.number<std::uint8_t>()); }},
    {'G', "BINFLOAT", [](Machine& m) { m.push_float(); }},
    {'T', "BINSTRING", [](Machine& m) { m.push_text(m.number<std::uint32_t>()); }},
    {'U', "SHORT_BINSTRING", [](Machine& m) { m.push_text(m.number<std::uint8_t>()); }},
    {'X', "BINUNICODE", [](Machine& m) { m.push_text(m.number<std::uint32_t>()); }},
    {0x8C, "SHORT_BINUNICODE", [](Machine& m) { m.push_text(m.number<std::uint8_t>()); }},
    {'(', "MARK", [](Machine& m) { m.mark(); }},
    {')', "EMPTY_TUPLE", [](Machine& m) { m.push_tuple({}); }},
    {0x85, "TUPLE1", [](Machine& m) { m.push_tuple(m.pop(1)); }},
    {0x86, "TUPLE2", [](Machine& m) { m.push_tuple(m.pop(2)); }},
    {0x87, "TUPLE3", [](Machine& m) { m.push_tuple(m.pop(3)); }},
    {'t', "TUPLE", [](Machine& m) { m.push_tuple(m.pop_to_mark()); }},
    {']', "EMPTY_LIST", [](Machine& m) { m.push(Kind::kList); }},
    {'a', "APPEND", [](Machine& m) { m.extend(Kind::kList, m.pop(1)); }},
    {'e', "APPENDS", [](Machine& m) { m.extend(Kind::kList, m.pop_to_mark()); }},
    {'}', "EMPTY_DICT", [](Machine& m) { m.push(Kind::kDict); }},
    {'s', "SETITEM", [](Machine& m) { m.extend(Kind::kDict, m.pop(2)); }},
    {'u', "SETITEMS", [](Machine& m) { m.extend(Kind::kDict, m.pop_to_mark()); }},
    {'q', "BINPUT", [](Machine& m) { m.put(m.number<std::uint8_t>()); }},
    {'r', "LONG_BINPUT", [](Machine& m) { m.put(m.number<std::uint32_t>()); }},
    {0x94, "MEMOIZE", [](Machine& m) { m.put_next(); }},
    {'h', "BINGET", [](Machine& m) { m.get(m.number<std::uint8_t>()); }},
    {'j', "LONG_BINGET", [](Machine& m) { m.get(m.number<std::uint32_t>()); }},
    {'c', "GLOBAL", [](Machine& m) { m.push_global_of_lines(); }},
    {0x93, "STACK_GLOBAL", [](Machine& m) { m.push_global_of_stack(); }},
    {'R', "REDUCE", [](Machine& m) { m.call(); }},
    {'b', "BUILD", [](Machine& m) { m.pass_over_attributes(); }},
    {'Q', "BINPERSID", [](Machine& m) { m.push_persistent(); }},
    // Named so that the refusal can name them: they make objects of the file's choice.
    {'i', "INST", nullptr},
    {'o', "OBJ", nullptr},
    {0x81, "NEWOBJ", nullptr},
    {0x92, "NEWOBJ_EX", nullptr},
    {0x82, "EXT1", nullptr},
    {0x83, "EXT2", nullptr},
    {0x84, "EXT4", nullptr},
};
constexpr std::uint8_t kStop = '.';

constexpr std::array<Opcode, 256> by_code() {
  std::array<Opcode, 256> opcodes{};
  for (std::size_t i = 0; i < opcodes.size(); ++i) opcodes[i] = {static_cast<std::uint8_t>(i), "", nullptr};
  for (const Opcode& opcode : kOpcodes) opcodes[opcode.code] = opcode;
  return opcodes;
}
constexpr std::array<Opcode, 256> kByCode = by_code();

}  // namespace

Pickle PickleMachine::run() {
  if (number<std::uint8_t>() != 0x80) fail("no pickle begins here, or one of an old protocol; 2 to 5 are read");
  next_ = 0;
  for (std::uint8_t code = 0; code != kStop;) {
    at_ = next_;
    code = number<std::uint8_t>();
    const Opcode& opcode = kByCode[code];
    if (opcode.run != nullptr) {
      opcode.run(*this);
    } else if (code != kStop) {
      fail(fmt::format("the opcode {:#04x} {}is none that a state dict needs; berth runs nothing that a file asks for",
                       code, *opcode.name == '\0' ? "" : fmt::format("({}) ", opcode.name)));
    }
  }
  if (stack_.size() != 1 || !marks_.empty()) {
    fail(fmt::format("the pickle ends with {} values, expected one", stack_.size()));
  }
  result_.root = stack_.back();
  result_.size = next_;
  return std::move(result_);
}

void PickleSource::fail(std::size_t at, std::string_view text) const {
  throw Error(ErrorKind::kContent, Where{file},
              fmt::format("{}{}byte {}: {}", inner, inner.empty() ? "" : ", ", begin + at, text));
}

Pickle read_pickle(const PickleSource& source) { return Machine(source).run(); }

std::string_view describe(PickleValue::Kind kind) {
  constexpr std::array<std::string_view, 12> kNames{"None",     "a bool",   "a number", "a number",
                                                    "a number", "a string", "a list",   "a tuple",
                                                    "a dict",   "a global", "a tensor", "a storage"};
  static_assert(static_cast<std::size_t>(Kind::kPersistent) + 1 == kNames.size());
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace berth::checkpoint
