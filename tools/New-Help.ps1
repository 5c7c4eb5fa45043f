#Requires -Version 7.4
# Joins the XML documentation of the cmdlets with what Get-Command knows into the module's help file (MAML).
# Summary: synopsis. Remarks: description. Each property's summary: its parameter. example/code and para: the examples.
param(
    [Parameter(Mandatory)] [string] $ModulePath,
    [Parameter(Mandatory)] [string] $Documentation
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 3

$members = @{}
foreach ($member in ([xml](Get-Content $Documentation -Raw)).doc.members.member) { $members[$member.GetAttribute('name')] = $member }

# References become plain names; line breaks of the source become spaces.
function ConvertTo-Text([Xml.XmlNode] $Node) {
    if ($null -eq $Node) { return '' }
    $copy = $Node.CloneNode($true)
    foreach ($reference in @($copy.SelectNodes('.//see | .//paramref | .//c'))) {
        $name = $reference.InnerText
        if (-not $name) { $name = ($reference.GetAttribute('cref') -replace '^.:', '' -replace '.*\.', '') }
        $null = $reference.ParentNode.ReplaceChild($copy.OwnerDocument.CreateTextNode($name), $reference)
    }
    ($copy.InnerText -replace '\s+', ' ').Trim()
}

function ConvertTo-Paragraph([Xml.XmlNode] $Node) {
    if ($null -eq $Node) { return @() }
    $paragraphs = @($Node.SelectNodes('para'))
    if ($paragraphs.Count -gt 0) { $paragraphs | ForEach-Object { ConvertTo-Text $_ } } else { ConvertTo-Text $Node }
}

function Format-Para([string[]] $Text) { ($Text | Where-Object { $_ } | ForEach-Object { "<maml:para>$([Security.SecurityElement]::Escape($_))</maml:para>" }) -join '' }

# A property may be declared by a base class.
function Get-PropertyNode([Type] $Type, [string] $Name) {
    for ($t = $Type; $t; $t = $t.BaseType) {
        $node = $members["P:$($t.FullName).$Name"]
        if ($node) { return $node }
    }
}

function Get-TypeName([Type] $Type) {
    $underlying = [Nullable]::GetUnderlyingType($Type)
    if ($underlying) { $Type = $underlying }
    $Type.Name -replace '^SwitchParameter$', 'Switch'
}

$module = Import-Module (Join-Path $ModulePath 'CcExport.psd1') -PassThru -Force
$common = [Management.Automation.PSCmdlet]::CommonParameters + [Management.Automation.PSCmdlet]::OptionalCommonParameters
$shared = @{
    WhatIf  = 'Shows what would be done, and does not do it.'
    Confirm = 'Asks before anything is done.'
}

function Format-Parameter($Parameter, $Attributes, [Type] $Class, [switch] $Short) {
    $attribute = @($Attributes)[0]
    $name = $Parameter.Name
    $node = Get-PropertyNode $Class $name
    $text = if ($shared.ContainsKey($name)) { $shared[$name] } else { ConvertTo-Text ($node ? $node.SelectSingleNode('summary') : $null) }
    if (-not $text) { throw "$($Class.Name): -$name has no summary." }
    $pipeline = @(
        if (@($Attributes | Where-Object ValueFromPipeline).Count) { 'ByValue' }
        if (@($Attributes | Where-Object ValueFromPipelineByPropertyName).Count) { 'ByPropertyName' }
    )
    $pipelineInput = if ($pipeline) { "True ($($pipeline -join ', '))" } else { 'False' }
    $position = if ($attribute.Position -ge 0) { $attribute.Position } else { 'named' }
    $aliases = if ($Parameter.Aliases.Count) { $Parameter.Aliases -join ', ' } else { 'none' }
    $wildcards = @($Parameter.Attributes | Where-Object { $_ -is [Management.Automation.SupportsWildcardsAttribute] }).Count -gt 0
    $type = Get-TypeName $Parameter.ParameterType
    $required = @($Attributes | Where-Object Mandatory).Count -gt 0
    $value = if ($Parameter.ParameterType -eq [switch]) { '' } else { "<command:parameterValue required=`"true`" variableLength=`"false`">$type</command:parameterValue>" }
    $description = if ($Short) { '' } else { "<maml:description>$(Format-Para $text)</maml:description>" }
    @"
<command:parameter required="$("$required".ToLowerInvariant())" variableLength="true" globbing="$("$wildcards".ToLowerInvariant())" pipelineInput="$pipelineInput" position="$position" aliases="$aliases"><maml:name>$name</maml:name>$description$value<dev:type><maml:name>$type</maml:name><maml:uri /></dev:type><dev:defaultValue>None</dev:defaultValue></command:parameter>
"@
}

function Format-Command($Command) {
    $class = $Command.ImplementingType
    $node = $members["T:$($class.FullName)"]
    if ($null -eq $node) { throw "$($class.Name) is not documented." }
    $parameters = @($Command.Parameters.Values | Where-Object Name -NotIn $common)
    $parameters += @($Command.Parameters.Values | Where-Object Name -In 'WhatIf', 'Confirm')
    $parameters = @($parameters | Sort-Object Name -Unique)

    $syntax = foreach ($set in $Command.ParameterSets | Sort-Object { -not $_.IsDefault }, Name) {
        $ofSet = foreach ($parameter in $set.Parameters | Where-Object Name -In @($parameters | ForEach-Object Name) | Sort-Object @{ e = { $_.Position -lt 0 } }, Position, @{ e = { -not $_.IsMandatory } }) {
            $whole = $Command.Parameters[$parameter.Name]
            $attributes = @($whole.Attributes | Where-Object { $_ -is [Parameter] -and $_.ParameterSetName -in $set.Name, '__AllParameterSets' })
            Format-Parameter $whole $attributes $class -Short
        }
        "<command:syntaxItem><maml:name>$($Command.Name)</maml:name>$($ofSet -join '')</command:syntaxItem>"
    }
    $list = foreach ($parameter in $parameters) {
        Format-Parameter $parameter @($parameter.Attributes | Where-Object { $_ -is [Parameter] }) $class
    }
    $outputs = foreach ($type in $Command.OutputType) {
        $name = if ($type.Name -eq 'System.Void') { 'None' } else { $type.Name }
        "<command:returnValue><dev:type><maml:name>$name</maml:name></dev:type><maml:description /></command:returnValue>"
    }
    $number = 0
    $examples = foreach ($example in $node.SelectNodes('example')) {
        $number++
        $code = [Security.SecurityElement]::Escape($example.SelectSingleNode('code').InnerText.Trim())
        $remark = Format-Para (ConvertTo-Text $example.SelectSingleNode('para'))
        "<command:example><maml:title>---------- Example $number ----------</maml:title><dev:code>$code</dev:code><dev:remarks>$remark<maml:para /></dev:remarks></command:example>"
    }
    @"
<command:command>
<command:details><command:name>$($Command.Name)</command:name><maml:description>$(Format-Para (ConvertTo-Text $node.SelectSingleNode('summary')))</maml:description><command:verb>$($Command.Verb)</command:verb><command:noun>$($Command.Noun)</command:noun></command:details>
<maml:description>$(Format-Para (ConvertTo-Paragraph $node.SelectSingleNode('remarks')))</maml:description>
<command:syntax>$($syntax -join '')</command:syntax>
<command:parameters>$($list -join '')</command:parameters>
<command:returnValues>$($outputs -join '')</command:returnValues>
<command:examples>$($examples -join '')</command:examples>
<command:relatedLinks><maml:navigationLink><maml:linkText>about_CcExport</maml:linkText><maml:uri /></maml:navigationLink></command:relatedLinks>
</command:command>
"@
}

$folder = Join-Path $ModulePath 'en-US'
$null = New-Item $folder -ItemType Directory -Force
$commands = $module.ExportedCmdlets.Values | Sort-Object Name | ForEach-Object { Format-Command $_ }
$maml = @"
<?xml version="1.0" encoding="utf-8"?>
<helpItems schema="maml" xmlns:maml="http://schemas.microsoft.com/maml/2004/10" xmlns:command="http://schemas.microsoft.com/maml/dev/command/2004/10" xmlns:dev="http://schemas.microsoft.com/maml/dev/2004/10">
$($commands -join "`n")
</helpItems>
"@
$null = [xml] $maml
[IO.File]::WriteAllText((Join-Path $folder 'CcExport.dll-Help.xml'), $maml)
Copy-Item (Join-Path $PSScriptRoot '../src/CcExport/about_CcExport.help.txt') $folder
