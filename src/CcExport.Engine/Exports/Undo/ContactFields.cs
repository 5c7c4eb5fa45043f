using System.Globalization;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;

namespace CcExport.Engine.Exports;

/// <summary>How the service's contact export and its pages of contacts name the fields of a map.</summary>
internal sealed class ContactFields
{
    private readonly ContactMap _map;
    private readonly string?[] _customIds;

    public ContactFields(ContactMap map, IReadOnlyList<CustomField> custom)
    {
        _map = map;
        _customIds = new string?[map.Fields.Length];
        string[] asked = new string[map.Fields.Length], headings = new string[map.Fields.Length];
        for (int i = 0; i < asked.Length; i++)
        {
            string name = map.Fields[i].Name;
            if (!name.StartsWith(StandardFields.CustomPrefix, StringComparison.Ordinal))
            {
                (asked[i], headings[i]) = (name, HeadingOf(name));
                continue;
            }
            CustomField? field = custom.FirstOrDefault(c => c.MapKey == name);
            _customIds[i] = field?.CustomFieldId;
            (asked[i], headings[i]) = (field?.CustomFieldId ?? name, field?.Label ?? name);
        }
        (Asked, Headings) = (["email_address", .. asked], headings);
    }

    /// <summary>What to ask a contact export for: the address, and the fields of the map.</summary>
    public string[] Asked { get; }

    /// <summary>The headings that the fields of the map have in its file, in their order.</summary>
    public string[] Headings { get; }

    /// <summary>Two columns of one heading cannot be told apart.</summary>
    public bool AreDistinct => Headings.Append("Email address").Distinct(StringComparer.OrdinalIgnoreCase).Count() == Headings.Length + 1;

    /// <summary>A page of contacts has each of them under a name of its own; phones and street addresses come in groups there that do not say which field they were.</summary>
    public bool ArePlain => _map.Fields.All(f => f.Kind != FieldKind.Text || _customIds[Array.IndexOf(_map.Fields, f)] is not null
        || f.Name is "first_name" or "last_name" or "job_title" or "company_name");

    /// <summary>A field's value as a page of contacts has it; empty when it has none.</summary>
    public string ValueOf(ContactValues contact, int field)
        => (_customIds[field] is { } id ? contact.Custom.GetValueOrDefault(id) : contact.Plain.GetValueOrDefault(_map.Fields[field].Name)) ?? "";

    /// <summary>The file has headings for people: "Home phone" of a call is "Phone - home" there.</summary>
    private static string HeadingOf(string name) => name switch
    {
        "company_name" => "Company",
        "phone" => "Phone",
        _ when name.EndsWith("_phone", StringComparison.Ordinal) => "Phone - " + name[..^"_phone".Length],
        _ when Place(name) is { } place => Heading(name[(place.Length + 1)..]) + " - " + place,
        _ => Heading(name),
    };

    private static string? Place(string name)
        => new[] { "home", "work", "other" }.FirstOrDefault(p => name.StartsWith(p + "_", StringComparison.Ordinal));

    private static string Heading(string name) => name == "zip" ? "Zip/Postal Code" : string.Create(CultureInfo.InvariantCulture, $"{char.ToUpperInvariant(name[0])}{name[1..].Replace('_', ' ')}");
}
