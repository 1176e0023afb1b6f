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
    for problem in ProblemType.allCases {
        do throws(CorpusError) {
            let targets = try examples.targets(examples.headLabels(for: problem), for: problem)
            precondition(targets.count == examples.examples.count, "\(targets.count) targets")
        } catch {
            switch error {
            case .emptyLabel, .singleLabel, .noLabels, .notANumber, .wrongValueCount: break
            default: fatalError("an example's own label is not among the labels: \(error)")
            }
        }
    }
    _ = examples.likelyProblem
    return 0
}
