#include "walwrap/client/json.hpp"

#include <cstddef>
#include <cstdint>

namespace walwrap::client {
namespace {

// An answer of the API has five levels. Each takes a frame of the caller's stack (Law 5).
constexpr int kMostDepth = 32;
// Longer than any name that is asked for; longer names are read and never equal.
constexpr std::size_t kMostNameBytes = 64;

constexpr std::uint32_t kFirstHighSurrogate = 0xd800;
constexpr std::uint32_t kFirstLowSurrogate = 0xdc00;
constexpr std::uint32_t kAfterSurrogates = 0xe000;
constexpr std::uint32_t kSecondPlane = 0x10000;

void append_utf8(Text& out, std::uint32_t point) {
  const auto continued = [&](int shift) {
    out.append(static_cast<char>(0x80 | ((point >> shift) & 0x3f)));
  };
  if (point < 0x80) {
    out.append(static_cast<char>(point));
  } else if (point < 0x800) {
    out.append(static_cast<char>(0xc0 | (point >> 6)));
    continued(0);
  } else if (point < kSecondPlane) {
    out.append(static_cast<char>(0xe0 | (point >> 12)));
    continued(6);
    continued(0);
  } else {
    out.append(static_cast<char>(0xf0 | (point >> 18)));
    continued(12);
    continued(6);
    continued(0);
  }
}

class Reader {
 public:
  explicit Reader(std::string_view json) : left_(json) {}

  bool read_outermost(std::span<Member> wanted) {
    skip_space();
    if (!read_object_with([&](const Text& name) { return read_wanted(name, wanted); })) {
      return false;
    }
    skip_space();
    return left_.empty();
  }

 private:
  char peek() const { return left_.empty() ? '\0' : left_.front(); }

  bool take(char wanted) {
    if (left_.empty() || left_.front() != wanted) return false;
    left_.remove_prefix(1);
    return true;
  }

  bool take(std::string_view word) {
    if (!left_.starts_with(word)) return false;
    left_.remove_prefix(word.size());
    return true;
  }

  void skip_space() {
    while (take(' ') || take('\t') || take('\n') || take('\r')) {
    }
  }

  // After the name of a member and its colon.
  bool read_wanted(const Text& name, std::span<Member> wanted) {
    for (Member& member : wanted) {
      if (!name.is_whole() || name.view() != member.name) continue;
      member.is_text = peek() == '"' && member.text != nullptr;
      member.is_true = left_.starts_with("true");
      if (!member.is_text) break;
      member.text->clear();
      return read_string(*member.text);
    }
    return read_value(1);
  }

  template <typename ReadMember>
  bool read_object_with(ReadMember read_member) {
    if (!take('{')) return false;
    skip_space();
    if (take('}')) return true;
    Text name(kMostNameBytes);
    do {
      skip_space();
      name.clear();
      if (!read_string(name)) return false;
      skip_space();
      if (!take(':')) return false;
      skip_space();
      if (!read_member(name)) return false;
      skip_space();
    } while (take(','));
    return take('}');
  }

  bool read_array(int depth) {
    if (!take('[')) return false;
    skip_space();
    if (take(']')) return true;
    do {
      skip_space();
      if (!read_value(depth)) return false;
      skip_space();
    } while (take(','));
    return take(']');
  }

  bool read_value(int depth) {  // NOLINT(misc-no-recursion): no deeper than kMostDepth
    if (depth > kMostDepth) return false;
    switch (peek()) {
      case '{':
        return read_object_with([&](const Text& /*name*/) { return read_value(depth + 1); });
      case '[':
        return read_array(depth + 1);
      case '"': {
        Text ignored(0);
        return read_string(ignored);
      }
      case 't':
        return take("true");
      case 'f':
        return take("false");
      case 'n':
        return take("null");
      default:
        return read_number();
    }
  }

  bool read_digits() {
    bool has_one = false;
    while (peek() >= '0' && peek() <= '9') {
      left_.remove_prefix(1);
      has_one = true;
    }
    return has_one;
  }

  bool read_number() {
    take('-');
    if (!take('0') && !read_digits()) return false;
    if (take('.') && !read_digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return read_digits();
  }

  // What does not fit into `out` is read all the same.
  bool read_string(Text& out) {
    if (!take('"')) return false;
    while (!left_.empty()) {
      if (take('"')) return true;
      if (take('\\')) {
        if (!read_escape(out)) return false;
        continue;
      }
      std::size_t plain = 0;
      while (plain < left_.size() && left_[plain] != '"' && left_[plain] != '\\') {
        if (static_cast<unsigned char>(left_[plain]) < 0x20) return false;
        ++plain;
      }
      out.append({left_.data(), plain});
      left_.remove_prefix(plain);
    }
    return false;
  }

  bool read_escape(Text& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (take('u')) return read_unicode(out);
    const auto which = left_.empty() ? std::string_view::npos : kLetters.find(left_.front());
    if (which == std::string_view::npos) return false;
    out.append(kMeanings[which]);
    left_.remove_prefix(1);
    return true;
  }

  bool read_unicode(Text& out) {
    std::uint32_t point = 0;
    if (!read_hex4(point)) return false;
    if (point >= kFirstLowSurrogate && point < kAfterSurrogates) return false;
    if (point >= kFirstHighSurrogate && point < kFirstLowSurrogate) {
      std::uint32_t low = 0;
      if (!take("\\u") || !read_hex4(low)) return false;
      if (low < kFirstLowSurrogate || low >= kAfterSurrogates) return false;
      point = kSecondPlane + ((point - kFirstHighSurrogate) << 10) + (low - kFirstLowSurrogate);
    }
    append_utf8(out, point);
    return true;
  }

  bool read_hex4(std::uint32_t& value) {
    for (int i = 0; i < 4; ++i) {
      const char digit = peek();
      std::uint32_t nibble = 0;
      if (digit >= '0' && digit <= '9') {
        nibble = static_cast<std::uint32_t>(digit - '0');
      } else if (digit >= 'a' && digit <= 'f') {
        nibble = static_cast<std::uint32_t>(digit - 'a' + 10);
      } else if (digit >= 'A' && digit <= 'F') {
        nibble = static_cast<std::uint32_t>(digit - 'A' + 10);
      } else {
        return false;
      }
      value = value << 4 | nibble;
      left_.remove_prefix(1);
    }
    return true;
  }

  std::string_view left_;
};

}  // namespace

bool read_object(std::string_view json, std::span<Member> wanted) {
  return Reader(json).read_outermost(wanted);
}

}  // namespace walwrap::client
