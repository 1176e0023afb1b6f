import ArgumentParser
import Checkpoints
import SystemPackage
import Transformer

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a model as a Hugging Face directory with model.safetensors.",
        discussion: """
            Reads safetensors, pytorch_model.bin (nothing in it is run), both of them in several files, and the \
            checkpoints of TensorFlow 1 that Google released BERT in. Configuration and tokenizer are copied, and \
            tensors of known architectures get the names that transformers gives them.

            Example: graft convert uncased_L-12_H-768_A-12 bert-base --dtype bf16
            """)

    @OptionGroup var model: ModelArgument

    @Argument(help: "The directory to write, which does not exist.", completion: .directory)
    var output: String

    @Option(help: "The data type of the weights: f32, f16 or bf16 (default: as they are).")
    var dtype: WeightType?

    @Option(help: ArgumentHelp("The most that goes into one file, such as 500MB or 5GB.", valueName: "size"))
    var maxShardSize: ByteCount?

    func run() throws {
        _ = try Signals.catchInterruption()
        try reportingFailures {
            let directory = try model.resolve()
            var conversion = CheckpointConversion(dataType: dtype?.dataType, maxShardSize: maxShardSize?.bytes ?? .max)
            try conversion.useNames(of: directory.openConfiguration())
            let result = try conversion.convert(directory, to: FilePath(output)) { Signals.isInterrupted }
            StandardError.note(
                "\(result.tensors.counted("tensor")), \(result.bytes.counted("byte")) in "
                    + "\(result.files.counted("file"))"
            )
            try StandardOutput.print(output)
        }
    }
}

enum WeightType: String, CaseIterable, ExpressibleByArgument {
    case f32, f16, bf16

    var dataType: DataType {
        switch self {
        case .f32: .float32
        case .f16: .float16
        case .bf16: .bfloat16
        }
    }
}

/// A size as people write it: `200000`, `500MB`, `5GB`; a thousand to each step.
struct ByteCount: ExpressibleByArgument {
    let bytes: Int

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        let units = ["": 1, "B": 1, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000]
        guard let number = Int(digits), number > 0, let unit = units[argument.dropFirst(digits.count).uppercased()],
            case (let bytes, false) = number.multipliedReportingOverflow(by: unit)
        else { return nil }
        self.bytes = bytes
    }
}
