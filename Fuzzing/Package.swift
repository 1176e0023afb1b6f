// swift-tools-version: 6.2
import PackageDescription

/// Coverage-guided fuzzing of every parser of outside files: `make fuzz`.
let parsers = [
    "JSON": "JSON", "SafeTensors": "Checkpoints", "LabelledExamples": "Tasks", "FineTuningData": "Tasks",
    "Tokenizer": "Tokenizers",
    "TokenizerConfiguration": "Tokenizers", "VocabularyText": "Tokenizers", "Merges": "Tokenizers",
    "SentencePiece": "Tokenizers", "Verification": "Tokenizers", "TorchCheckpoint": "Checkpoints",
    "TensorFlowCheckpoint": "Checkpoints", "ShardedCheckpoint": "Checkpoints", "NPYFile": "Embeddings",
    "SpaCyVectors": "Embeddings", "VectorIndex": "Embeddings", "WordVectors": "Embeddings",
]
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let settings: [SwiftSetting] = [.strictMemorySafety(), .unsafeFlags(["-parse-as-library"])]

let package = Package(
    name: "graft-fuzzing",
    dependencies: [
        .package(name: "graft", path: ".."),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    ],
    targets: [
        .target(
            name: "FuzzSupport", dependencies: [.product(name: "Tokenizers", package: "graft"), systemPackage],
            swiftSettings: settings)
    ]
        + parsers.sorted { $0.key < $1.key }.map { name, library in
            .executableTarget(
                name: "Fuzz\(name)",
                dependencies: ["FuzzSupport", .product(name: library, package: "graft"), systemPackage],
                swiftSettings: settings)
        },
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
