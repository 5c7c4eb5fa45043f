using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace CcExport.Engine.Telemetry;

/// <summary>
/// A log of JSON lines in a file that several processes may write at once: each line is one write at the file's end. A log never breaks what it tells of:
/// when it cannot be written any more, that is said once.
/// </summary>
public sealed class RunLog : IDisposable
{
    /// <summary>The environment variable with the log's path where none is given.</summary>
    public const string Variable = "CCEXPORT_LOG";

    private static readonly JsonWriterOptions Form = new() { Encoder = WireJson.Encoder };

    private readonly object _lock = new();
    private readonly ArrayBufferWriter<byte> _line = new(512);
    private readonly AppendFile _file;
    private readonly TimeProvider _time;
    private readonly Action<string> _warn;
    private bool _broken;

    private RunLog(AppendFile file, TimeProvider time, Action<string> warn) => (_file, _time, _warn) = (file, time, warn);

    /// <summary>Opens the file, or makes it, readable for its owner alone. <c>LogNotWritable</c>.</summary>
    /// <param name="path">Absolute.</param>
    /// <param name="warn">Told once if the log fails later; from any thread.</param>
    public static RunLog Open(string path, Action<string> warn) => Open(path, warn, TimeProvider.System);

    internal static RunLog Open(string path, Action<string> warn, TimeProvider time)
    {
        try
        {
            return new RunLog(AppendFile.Open(path), time, warn);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new CcException("LogNotWritable", CcErrorKind.Storage, $"The log '{path}' cannot be written. Nothing was run.",
                $"Give -LogPath, or the environment variable {Variable}, a file that this user may write, in a folder that exists.", e)
            { Subject = path };
        }
    }

    /// <summary>Something that a person was told as well.</summary>
    public void Message(RunEventLevel level, string message)
    {
        var said = new RunEvent(level == RunEventLevel.Debug ? RunEvents.Detail : RunEvents.Warning, level) { Message = message };
        RunScope? scope = RunScope.Current;
        Write(scope is null ? said : said with { Run = scope.Run, Export = scope.Export, Connection = scope.Connection });
    }

    /// <summary>Appends one line.</summary>
    public void Write(RunEvent what)
    {
        string? failed = null;
        lock (_lock)
        {
            if (_broken) return;
            _line.Clear();
            using (var json = new Utf8JsonWriter(_line, Form)) Line(json, what);
            _line.Write("\n"u8);
            try
            {
                _file.Write(_line.WrittenSpan);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
            {
                _broken = true;
                failed = $"The log '{_file.Path}' cannot be written any more; the run goes on without it.";
            }
        }
        if (failed is not null) _warn(failed);
    }

    private void Line(Utf8JsonWriter json, RunEvent what)
    {
        json.WriteStartObject();
        json.WriteString("time", _time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        json.WriteString("level", what.Level switch { RunEventLevel.Debug => "debug", RunEventLevel.Info => "info", RunEventLevel.Warning => "warning", _ => "error" });
        json.WriteString("event", what.Id);
        json.WriteNumber("process", Environment.ProcessId);
        if (what.Run is { } run) json.WriteNumber("run", run);
        if (what.Export is not null) json.WriteString("export", what.Export);
        if (what.Connection is not null) json.WriteString("connection", what.Connection);
        if (what.ErrorId is not null) json.WriteString("errorId", what.ErrorId);
        foreach ((string name, object value) in what.Fields)
        {
            switch (value)
            {
                case long whole: json.WriteNumber(name, whole); break;
                case int whole: json.WriteNumber(name, whole); break;
                case double part: json.WriteNumber(name, Math.Round(part, 3)); break;
                case bool yes: json.WriteBoolean(name, yes); break;
                case DateTimeOffset at: json.WriteString(name, at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)); break;
                default: json.WriteString(name, value.ToString()); break;
            }
        }
        if (what.Message is not null) json.WriteString("message", what.Message);
        json.WriteEndObject();
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _broken = true;
            _file.Dispose();
        }
    }
}
