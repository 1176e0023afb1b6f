import SystemPackage
import Tasks

/// The first byte chooses the format.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let name = unsafe ["tsv", "csv", "jsonl"][Int(data[0]) % 3]
    let path = FilePath("/dev/shm/graft-fuzz-examples.\(name)")
    let header: [UInt8] = name == "jsonl" ? [] : Array((name == "csv" ? "text,label\n" : "text\tlabel\n").utf8)
    do {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        try file.closeAfter {
            _ = try file.writeAll(unsafe header + UnsafeBufferPointer(start: data + 1, count: count - 1))
        }
    } catch { fatalError("\(path): \(error)") }
    guard let examples = try? LabelledExamples(path) else { return 0 }
    let labels = examples.labels
    guard let targets = try? examples.targets(labels), targets.count == examples.examples.count else {
        fatalError("an example's own label is not among the labels")
    }
    return 0
}
