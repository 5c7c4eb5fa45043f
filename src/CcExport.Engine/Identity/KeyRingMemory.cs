using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace CcExport.Engine.Identity;

/// <summary>The ring's elements as Data Protection is given them: unwrapped, in memory. Where they lie, and how, is nothing to it.</summary>
internal sealed class KeyRingMemory(IReadOnlyList<XElement> elements) : IXmlRepository
{
    private readonly List<(string Name, XElement Element)> _added = [];

    /// <summary>What the library has made, under the name it gave: yet to be kept.</summary>
    public IReadOnlyList<(string Name, XElement Element)> Added => _added;

    public IReadOnlyCollection<XElement> GetAllElements() => [.. elements.Concat(_added.Select(a => a.Element)).Select(e => new XElement(e))];

    public void StoreElement(XElement element, string friendlyName) => _added.Add((friendlyName, new XElement(element)));
}
