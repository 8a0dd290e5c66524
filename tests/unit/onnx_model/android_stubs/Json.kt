// The part of Android's org.json that the example uses, by its documentation: to compile, not to run.
package org.json

class JSONObject(private val json: String) {
    fun getInt(name: String): Int = TODO(json)
    fun getDouble(name: String): Double = TODO()
    fun getString(name: String): String = TODO()
    fun getJSONObject(name: String): JSONObject = TODO()
    fun getJSONArray(name: String): JSONArray = TODO()
    fun optJSONArray(name: String): JSONArray? = TODO()
    fun optBoolean(name: String): Boolean = TODO()
}

class JSONArray {
    fun length(): Int = TODO()
    fun getString(index: Int): String = TODO()
    fun getJSONObject(index: Int): JSONObject = TODO()
}
