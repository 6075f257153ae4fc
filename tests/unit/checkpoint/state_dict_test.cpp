#include "core/checkpoint/state_dict.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "berth/error.h"
#include "core/checkpoint/pickle.h"
#include "hand_made.h"
#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

using ::testing::AllOf;
using testing::bytes_of;
using testing::dict;
using testing::global;
using ::testing::HasSubstr;
using testing::number;
using testing::numbers;
using testing::pickle;
using testing::storage;
using testing::tensor;
using testing::text;
using testing::tuple;

StateDict read(const std::string& bytes) {
  return read_state_dict(read_pickle({bytes, "file.bin", "data.pkl", 0, &is_state_dict_global}));
}

std::string error_of_pickle(const std::string& bytes) {
  try {
    read(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kContent);
    EXPECT_THAT(error.what(), HasSubstr("file.bin: data.pkl, byte "));
    return error.what();
  }
  return "no error";
}

std::string error_of(const std::string& value) { return error_of_pickle(pickle(value)); }

std::string named(const std::string& value) { return dict({text("a"), value}); }

// A dict with one float tensor.
std::string placed(std::int64_t count, std::int64_t offset, const std::vector<std::int64_t>& sizes,
                   const std::vector<std::int64_t>& strides) {
  return named(tensor(storage("FloatStorage", "0", count), offset, sizes, strides));
}

const std::string kGood = placed(6, 0, {2, 3}, {3, 1});

TEST(StateDict, IsReadInEveryForm) {
  EXPECT_EQ(error_of(kGood), "no error");
  EXPECT_EQ(error_of("}"), "no error");
  const std::string one = tensor(storage("HalfStorage", "k", 8), 2, {2, 2}, {1, 3});
  const std::string parameter = global("torch._utils", "_rebuild_parameter") + tuple({one, "\x88", "}"}) + "R";
  const std::string ordered = global("collections", "OrderedDict") + ")R" + text("w") + parameter + "s}b";
  const StateDict read_back = read(pickle(ordered));
  ASSERT_EQ(read_back.tensors.size(), 1U);
  EXPECT_EQ(read_back.tensors[0].storage, 0U);
  ASSERT_EQ(read_back.storages.size(), 1U);
  EXPECT_EQ(read_back.storages[0].key, "k");
  EXPECT_EQ(read_back.storages[0].bytes(), 16U);
  const TensorFile::Entry& entry = read_back.tensors[0].entry;
  EXPECT_EQ(entry.name, "w");
  EXPECT_EQ(entry.dtype, at::kHalf);
  EXPECT_EQ(entry.shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(entry.strides, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(entry.begin, 4U);
  EXPECT_EQ(entry.end, 14U);
}

TEST(StateDict, RefusesTensorsThatReachOutOfTheirStorage) {
  EXPECT_EQ(error_of(placed(6, 2, {4}, {1})), "no error");
  EXPECT_EQ(error_of(placed(0, 9, {0, 5}, {1, 1})), "no error");
  EXPECT_EQ(error_of(placed(1, 0, {1, 1}, {INT64_MAX, INT64_MAX})), "no error");
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  for (const std::string& bad :
       {placed(6, 3, {4}, {1}), placed(6, 0, {7}, {1}), placed(6, 6, {}, {}), placed(6, 0, {2, 3}, {4, 1}),
        placed(6, kHuge, {2}, {1}), placed(6, INT64_MAX, {2}, {1}), placed(6, 0, {kHuge}, {1}),
        placed(6, 0, {2}, {kHuge}), placed(6, 0, {2, 2}, {INT64_MAX, INT64_MAX}), placed(6, 0, {4, kHuge}, {0, 0}),
        placed(6, 0, {0, kHuge, 4}, {1, 1, 1}), placed(6, 0, {3, 3}, {kHuge, kHuge}), placed(0, 0, {}, {})}) {
    EXPECT_THAT(error_of(bad), AllOf(HasSubstr("\"a\""), HasSubstr("is more than its storage")));
  }
  EXPECT_THAT(error_of(placed(6, -1, {2}, {1})), HasSubstr("the offset is not a number from 0"));
  EXPECT_THAT(error_of(placed(6, 0, {-2}, {1})), HasSubstr("the size is not"));
  EXPECT_THAT(error_of(placed(6, 5, {2}, {-1})), HasSubstr("the stride is not"));
  EXPECT_THAT(error_of(placed(-6, 0, {2}, {1})), HasSubstr("number of elements of its storage"));
  EXPECT_THAT(error_of(placed(INT64_MAX, 0, {2}, {1})), HasSubstr("larger than any memory"));
  EXPECT_THAT(error_of(placed(6, 0, {2}, {1, 1})), HasSubstr("another number of strides"));
  const std::vector<std::int64_t> most(8, 1);
  EXPECT_EQ(error_of(placed(6, 0, most, most)), "no error");
  const std::vector<std::int64_t> many(9, 1);
  EXPECT_THAT(error_of(placed(6, 0, many, many)), HasSubstr("more than 8 dimensions"));
}

TEST(StateDict, RefusesStoragesThatContradict) {
  const auto pair = [](const std::string& second) {
    return dict(
        {text("a"), tensor(storage("FloatStorage", "0", 6), 0, {2}, {1}), text("b"), tensor(second, 0, {2}, {1})});
  };
  EXPECT_EQ(error_of(pair(storage("FloatStorage", "0", 6))), "no error");
  EXPECT_EQ(error_of(pair(storage("FloatStorage", "0", 6, "N"))), "no error");
  for (const std::string& second : {storage("FloatStorage", "0", 7), storage("HalfStorage", "0", 12)}) {
    EXPECT_THAT(error_of(pair(second)), AllOf(HasSubstr("\"b\""), HasSubstr("another type or size")));
  }
  EXPECT_THAT(error_of(pair(storage("FloatStorage", "0", 6, number(1)))), HasSubstr("the view of the storage"));
  EXPECT_THAT(error_of(pair(storage("float8_e5m2", "1", 6, "N") + "0")), HasSubstr("opcode 0x30"));
  EXPECT_THAT(error_of(pair(tuple({text("storage")}) + "Q")), HasSubstr("is not kept in a storage"));
  EXPECT_THAT(error_of(pair(tuple({text("module"), "N", "N", "N", "N"}) + "Q")), HasSubstr("not the model itself"));
  EXPECT_THAT(error_of(pair(number(1))), HasSubstr("the storage is a number, expected a storage"));
}

// One value under any number of names: a small file that would take gigabytes, were anything large copied for each.
TEST(StateDict, BoundsWhatAValueUnderManyNamesTakes) {
  const auto with_key = [](std::size_t size) {
    return named(tensor(storage("FloatStorage", std::string(size, 'k'), 6), 0, {2}, {1}));
  };
  EXPECT_EQ(error_of(with_key(256)), "no error");
  EXPECT_THAT(error_of(with_key(257)), AllOf(HasSubstr("\"a\""), HasSubstr("key has 257 bytes, at most 256")));
  const auto many = [](int count) {
    std::string value = "}(" + text("0") + tensor(storage("FloatStorage", "0", 6), 0, {2}, {1}) + "q" + '\0';
    for (int i = 1; i < count; ++i) value += text(std::to_string(i)) + "h" + '\0';
    return value + "u";
  };
  const StateDict most = read(pickle(many(100'000)));
  EXPECT_EQ(most.tensors.size(), 100'000U);
  EXPECT_EQ(most.storages.size(), 1U);
  EXPECT_EQ(most.tensors.back().entry.end, 8U);
  EXPECT_THAT(error_of(many(100'001)), HasSubstr("a dict of 100001 values, at most 100000"));
}

TEST(StateDict, SaysWhatItExpected) {
  EXPECT_THAT(error_of("N"),
              AllOf(HasSubstr("the file holds None"), HasSubstr("torch.save(model.state_dict(), FILE)")));
  EXPECT_THAT(error_of("]"), HasSubstr("the file holds a list"));
  EXPECT_THAT(error_of(tensor(storage("FloatStorage", "0", 6), 0, {2}, {1})), HasSubstr("the file holds a tensor"));
  EXPECT_THAT(error_of(dict({number(3), "N"})), HasSubstr("the name of a tensor is a number"));
  EXPECT_THAT(error_of(dict({text("\xff"), "N"})), HasSubstr("UTF-8"));
  EXPECT_THAT(error_of(dict({text("epoch"), number(3), text("model"), kGood})),
              AllOf(HasSubstr("\"epoch\": is a number, not a tensor"), HasSubstr("torch.load(FILE)[\"model\"]")));
  EXPECT_THAT(error_of(global("transformers.models.bert.modeling_bert", "BertModel") + ")\x81"),
              AllOf(HasSubstr("byte 2: calls \"transformers.models.bert.modeling_bert.BertModel\""),
                    HasSubstr("not the model itself")));
  const std::string one = tensor(storage("FloatStorage", "0", 6), 0, {2}, {1});
  EXPECT_THAT(error_of(dict({text("a"), one, text("a"), one})), HasSubstr("\"a\": stands there twice"));
  EXPECT_THAT(error_of(named(global("torch._utils", "_rebuild_tensor_v2") + numbers({1, 2, 3}) + "R")),
              HasSubstr("made of 3 values, expected 6"));
  EXPECT_THAT(error_of(named(global("torch", "FloatStorage") + ")R")), HasSubstr("is made by \"torch.FloatStorage\""));
}

TEST(Pickle, RunsNothing) {
  const testing::TemporaryFolder folder;
  const auto marker = folder.path() / "marker";
  const std::string command = tuple({text("touch " + marker.string())});
  for (const std::string& call :
       {global("posix", "system") + command + "R", text("posix") + text("system") + "\x93" + command + "R"}) {
    EXPECT_THAT(error_of(call),
                AllOf(HasSubstr("calls \"posix.system\""), HasSubstr("runs nothing that a file asks for")));
  }
  EXPECT_THAT(error_of("(" + text("touch") + "iposix\nsystem\n"), HasSubstr("(INST)"));
  EXPECT_THAT(error_of("(" + text("touch") + "o"), HasSubstr("(OBJ)"));
  EXPECT_THAT(error_of(")\x81"), HasSubstr("(NEWOBJ)"));
  EXPECT_THAT(error_of("))\x92"), HasSubstr("(NEWOBJ_EX)"));
  EXPECT_THAT(error_of("\x82\x01"), HasSubstr("(EXT1)"));
  EXPECT_THAT(error_of(global("builtins", "eval\x1b[2J")), HasSubstr("\"builtins.eval?[2J\""));
  EXPECT_THAT(error_of(global("collections", "OrderedDict") + tuple({"]"}) + "R"), HasSubstr("expected none"));
  EXPECT_FALSE(std::filesystem::exists(marker));
}

TEST(Pickle, RefusesOrdersThatMakeNoSense) {
  for (const std::string& bad : {std::string(),
                                 std::string("NN"),
                                 std::string("("),
                                 std::string("(N"),
                                 std::string("t"),
                                 std::string("\x85"),
                                 std::string("(\x85"),
                                 std::string("s"),
                                 std::string("}Ns"),
                                 std::string("NNNs"),
                                 std::string("}(Nu"),
                                 std::string("u"),
                                 std::string("]NNs"),
                                 std::string("}Na"),
                                 std::string("R"),
                                 std::string("NNR"),
                                 std::string("N)R"),
                                 std::string("b"),
                                 std::string("}Nb"),
                                 std::string("N}b"),
                                 std::string("NQ"),
                                 std::string("q\1", 2),
                                 std::string("h\1", 2),
                                 std::string("\x94"),
                                 std::string("NN\x93"),
                                 std::string("(}(}h"),
                                 "Nr" + bytes_of<std::uint32_t>(4'000'000'000),
                                 "j" + bytes_of<std::uint32_t>(4'000'000'000),
                                 "X" + bytes_of<std::uint32_t>(0xFFFFFFFF),
                                 "\x95" + bytes_of<std::uint64_t>(UINT64_MAX),
                                 std::string("\x80\7", 2),
                                 std::string("cposix"),
                                 std::string("J\1", 2),
                                 std::string("\x8a\xff")}) {
    EXPECT_NE(error_of(bad), "no error") << ::testing::PrintToString(bad);
  }
  EXPECT_THAT(error_of_pickle("}."), HasSubstr("no pickle begins here"));
  EXPECT_THAT(error_of_pickle(""), HasSubstr("ends too early"));
  EXPECT_EQ(error_of_pickle("\x80\x04\x95" + bytes_of<std::uint64_t>(2) + "}."), "no error");
}

TEST(Pickle, BoundsWhatItTakes) {
  const std::string deep = std::string(900'000, ')').replace(1, 899'999, std::string(899'999, '\x85'));
  EXPECT_THAT(error_of(deep), HasSubstr("the file holds a tuple"));
  EXPECT_THAT(error_of(std::string(1'000'001, ')')), HasSubstr("more values"));
  EXPECT_THAT(error_of(std::string(1'000'001, '(')), HasSubstr("more marks"));
  std::string fetched = std::string("Nq\0", 3);
  for (int i = 0; i < 1'000'000; ++i) fetched += std::string("h\0", 2);
  EXPECT_THAT(error_of(fetched), HasSubstr("more values"));
  EXPECT_THAT(error_of("(" + std::string(17, 'N') + "tQ"), HasSubstr("more arguments"));  // copied at each call
  EXPECT_THAT(error_of(std::string("}q\0", 3) + text("a") + std::string("h\0s", 3)), HasSubstr("\"a\": is a dict"));
  const std::string padding = "X" + bytes_of<std::uint32_t>(65 << 20) + std::string(65 << 20, ' ');
  EXPECT_THAT(error_of(padding), HasSubstr("64 MB"));
}

// Whatever stands at any place of a pickle: an error or a state dict.
TEST(Pickle, AnyByteAtAnyPlaceDoesNoHarm) {
  const std::string good = pickle(kGood);
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string bent = good;
      bent[at] = static_cast<char>(byte);
      error_of_pickle(bent);
      if (at > 2) error_of_pickle(good.substr(0, at) + static_cast<char>(byte) + good.substr(at));
    }
    EXPECT_NE(error_of_pickle(good.substr(0, at)), "no error") << at;
  }
}

}  // namespace
}  // namespace berth::checkpoint
