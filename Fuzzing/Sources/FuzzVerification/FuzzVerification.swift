import FuzzSupport
import Tokenizers

private let tokenizer: Tokenizer = {
    let path = scratchFile("verification-vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\nthe\nfall\n".utf8)
    guard let tokenizer = try? Tokenizer(file: path) else { fatalError("\(path) cannot be read") }
    return tokenizer
}()

/// Recorded ids are refused with a typed error, or they are compared.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let path = unsafe scratchFile("golden.jsonl", UnsafeBufferPointer(start: data, count: count))
    guard let report = try? TokenizerVerification(tokenizer).run(path) else { return 0 }
    precondition(report.differing <= report.texts && (report.first == nil) == (report.differing == 0), "a count")
    return 0
}
