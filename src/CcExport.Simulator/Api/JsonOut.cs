using System.Globalization;
using System.Text.Json;

namespace CcExport.Simulator.Api;

/// <summary>A JSON writer that knows the switches for timestamps and for fields without a value.</summary>
internal sealed class JsonOut(Utf8JsonWriter writer, SimulatorSwitches switches)
{
    public Utf8JsonWriter Writer => writer;

    public void Text(string name, string? value)
    {
        if (value is not null) writer.WriteString(name, value);
        else if (switches.Nulls == NullForm.Write) writer.WriteNull(name);
    }

    public void Number(string name, long value) => writer.WriteNumber(name, value);

    public void Flag(string name, bool value) => writer.WriteBoolean(name, value);

    public void Time(string name, DateTimeOffset? value) => Text(name, value is { } time ? Time(time) : null);

    public string Time(DateTimeOffset time) => switches.Timestamps == TimestampForm.UtcMilliseconds
        ? time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)
        : time.ToOffset(TimeSpan.FromHours(-5)).ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);

    public void Object(Action write)
    {
        writer.WriteStartObject();
        write();
        writer.WriteEndObject();
    }

    public void Object(string name, Action write)
    {
        writer.WritePropertyName(name);
        Object(write);
    }

    public void Array<T>(string name, IEnumerable<T> items, Action<T> write)
    {
        writer.WriteStartArray(name);
        foreach (T item in items) write(item);
        writer.WriteEndArray();
    }

    public void Link(string name, string href) => Object(name, () => writer.WriteString("href", href));
}
