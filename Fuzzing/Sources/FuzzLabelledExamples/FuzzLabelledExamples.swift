import FuzzSupport
import Tasks

/// The first byte chooses the format.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let name = unsafe ["tsv", "csv", "jsonl"][Int(data[0]) % 3]
    let header: [UInt8] = name == "jsonl" ? [] : Array((name == "csv" ? "text,label\n" : "text\tlabel\n").utf8)
    let bytes = unsafe header + UnsafeBufferPointer(start: data + 1, count: count - 1)
    guard let examples = try? LabelledExamples(scratchFile("examples.\(name)", bytes)) else { return 0 }
    let labels = examples.labels
    guard let targets = try? examples.targets(labels), targets.count == examples.examples.count else {
        fatalError("an example's own label is not among the labels")
    }
    return 0
}
