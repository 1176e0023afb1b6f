import ArgumentParser
import Checkpoints
import JSON
import Tasks

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a model is: architecture, parameters, tokenizer, head, and files with their checksums.",
        discussion: """
            A directory with an adapter, of PEFT or of AdapterHub, is described as well.

            Example: graft inspect all-MiniLM-L6-v2
            """)

    @OptionGroup var model: ModelArgument

    @Flag(help: "Print one JSON record instead of text.")
    var json = false

    @Flag(help: "List every tensor.")
    var tensors = false

    func run() throws {
        try reportingFailures {
            let summary = try ModelSummary(model.resolve())
            if json {
                try StandardOutput.print(
                    String(decoding: summary.json(listsTensors: tensors).serialized(pretty: true), as: UTF8.self))
                return
            }
            try StandardOutput.print(
                summary.facts.map { "\($0.title.padded(to: 14))\($0.text.printable)\n" }.joined(), terminator: "")
            var table = Table(["\nfile", "bytes", "SHA-256"])
            for file in summary.files { table.add([file.name, "\(file.bytes)", file.sha256]) }
            try StandardOutput.print(table.text, terminator: "")
            if tensors {
                var table = Table(["\ntensor", "type", "shape"])
                for entry in summary.tensors { table.add([entry.name, entry.dataType.rawValue, "\(entry.shape)"]) }
                try StandardOutput.print(table.text, terminator: "")
            }
        }
    }
}
